package recipes

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// Load reads and checks the recipe in file. Mistakes in it, and in its
// variants, are an [*Errors] with all of them.
func Load(file string) (*Recipe, error) { return LoadVariant(file, "") }

// LoadVariant is [Load] for the variant of that name; the empty name is the
// recipe itself.
func LoadVariant(file, variant string) (*Recipe, error) {
	return Defaults{}.Load(file, variant)
}

// Load is [LoadVariant], with the defaults in place of what the recipe does not
// say.
func (d Defaults) Load(file, variant string) (*Recipe, error) {
	raw, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading recipe: %w", err)
	}
	r, err := d.Parse(file, variant, raw)
	if err != nil {
		return nil, err
	}
	if err := readStructureTests(r); err != nil {
		return nil, err
	}
	return r, nil
}

// Parse is [ParseVariant], with the defaults in place of what the recipe does
// not say.
func (d Defaults) Parse(file, variant string, raw []byte) (*Recipe, error) {
	raw, err := d.complete(file, raw)
	if err != nil {
		return nil, err
	}
	return ParseVariant(file, variant, raw)
}

// InVariant is the variant of r of that name, by the text that r was read from.
func (r *Recipe) InVariant(name string) (*Recipe, error) {
	v, err := ParseVariant(r.File, name, r.Raw)
	if err != nil {
		return nil, err
	}
	if err := readStructureTests(v); err != nil {
		return nil, err
	}
	return v, nil
}

// Parse is [Load] for a recipe that has been read. The file is only named in
// messages, and structure tests are not read.
func Parse(file string, raw []byte) (*Recipe, error) { return ParseVariant(file, "", raw) }

// ParseVariant is [LoadVariant] for a recipe that has been read.
func ParseVariant(file, name string, raw []byte) (*Recipe, error) {
	all := &problems{file: file}
	root := parseYAML(all, raw)
	if root == nil {
		return nil, all.err()
	}
	variants, where := takeVariants(all, root)
	recipe := decodeRecipe(all, file, raw, root)
	names := make(Variants, 0, len(variants))
	for _, v := range variants {
		names = append(names, v.name)
		if r := decodeRecipe(all, file, raw, v.over(all, root)); v.name == name {
			recipe, r.Variant = r, name
		}
	}
	if recipe.Variant != name {
		unknownVariant(all, where, name, names)
	}
	if err := all.err(); err != nil {
		return nil, err
	}
	recipe.Variants = names
	for _, v := range variants {
		recipe.places["variants."+v.name] = v.at
	}
	fillDefaults(recipe)
	return recipe, nil
}

// decodeRecipe reads the recipe below root, and adds its mistakes to all.
func decodeRecipe(all *problems, file string, raw []byte, root *yaml.Node) *Recipe {
	d := newDecoder(file)
	sub := readSubstitution(root)
	d.expand = sub.expand
	checkDefinitions(d, root)
	r := &Recipe{File: file, Raw: raw, places: d.where, essence: essenceOf(root)}
	d.value(root, reflect.ValueOf(r).Elem(), "", nil)
	for name := range r.Vars {
		r.Vars[name] = sub.vars[name]
	}
	checkRecipe(&checker{decoder: d}, r)
	all.list = append(all.list, d.problems.list...)
	return r
}

// readFile reads at most what a recipe or lock may hold, and a byte more.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	return readOpen(f)
}

func readOpen(f *os.File) ([]byte, error) {
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
