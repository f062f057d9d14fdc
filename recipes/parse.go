package recipes

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

// Load reads and checks the recipe in file. Mistakes in it are an [*Errors]
// with all of them.
func Load(file string) (*Recipe, error) {
	raw, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading recipe: %w", err)
	}
	return Parse(file, raw)
}

// Parse is [Load] for a recipe that has been read. The file is only named in
// messages.
func Parse(file string, raw []byte) (*Recipe, error) {
	d := newDecoder(file)
	root := parseYAML(&d.problems, raw)
	if root == nil {
		return nil, d.err()
	}
	sub := readSubstitution(root)
	d.expand = sub.expand
	checkDefinitions(d, root)
	r := &Recipe{File: file, Raw: raw, places: d.where}
	d.value(root, reflect.ValueOf(r).Elem(), "", nil)
	for name := range r.Vars {
		r.Vars[name] = sub.vars[name]
	}
	checkRecipe(&checker{decoder: d}, r)
	if err := d.err(); err != nil {
		return nil, err
	}
	fillDefaults(r)
	return r, nil
}

// readFile reads at most what a recipe or lock may hold, and a byte more.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

// Pos is where the recipe has the value at path, such as "build.toolchain" or
// "sources[0]"; where it has none, that of what would hold it.
func (r *Recipe) Pos(path string) Pos {
	return placeOf(r.places, path)
}

func placeOf(places map[string]Pos, path string) Pos {
	for {
		if p, ok := places[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return places[""]
		}
		path = path[:i]
	}
}
