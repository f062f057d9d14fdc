package image

import (
	"archive/tar"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// NeedError says that a program of the image needs something that neither the
// image nor a locked package holds.
type NeedError struct {
	// Need is the library or interpreter, By the path of the program.
	Need, By string
	// Found is where a folder holds it that the loader does not search.
	Found string
}

func (e *NeedError) Error() string {
	if e.Found != "" {
		return fmt.Sprintf("%s needs %s, which is in %s, where the dynamic loader does not look", e.By, e.Need, path.Dir(e.Found))
	}
	return fmt.Sprintf("%s needs %s, which neither the image nor a locked package holds", e.By, e.Need)
}

// Hint is the way out.
func (e *NeedError) Hint() string {
	if e.Found != "" {
		return "link with -Wl,-rpath," + path.Dir(e.Found) + ", or install it into /usr/lib"
	}
	return "add the Debian package that holds it to image.packages and run `kiln lock`, or link it statically"
}

// need is one thing that a program needs, and the paths that would do.
type need struct {
	name, by    string
	paths       []string
	interpreter bool
}

// in reports whether the tree has what is needed, at a path or, where /usr is
// not merged, at the same without /usr.
func (n need) in(t *tree) bool {
	return slices.ContainsFunc(n.paths, func(p string) bool {
		_, ok := t.resolve(p)
		if rest, below := strings.CutPrefix(p, "/usr"); !ok && below {
			_, ok = t.resolve(rest)
		}
		return ok
	})
}

// holds reports whether the image has what is needed where the loader looks.
// A library whose folder only the program names by its RUNPATH is found for
// other libraries as well, since the loader has it then: ld.so(8) loads the
// program's own needs first, and no library twice.
func (c *closure) holds(n need) bool {
	if n.in(c.root) {
		return true
	}
	if n.interpreter {
		return false
	}
	if c.runpaths == nil {
		c.runpaths = runpaths(c.root)
	}
	return slices.ContainsFunc(c.runpaths, func(dir string) bool { _, ok := c.root.resolve(path.Join(dir, n.name)); return ok })
}

// runpaths are the folders that the service's programs name.
func runpaths(t *tree) []string {
	all := []string{}
	for _, e := range t.sorted() {
		if e.Owner != recipes.OwnerService || e.Type != tar.TypeReg {
			continue
		}
		if p, err := readProgram(e); err == nil && p != nil {
			all = append(all, p.runpath...)
		}
	}
	return all
}

var triplets = map[string]string{"linux/amd64": "x86_64-linux-gnu", "linux/arm64": "aarch64-linux-gnu"}

// needs lists the interpreter and the libraries, each with the places where
// Debian's loader looks without a cache: RUNPATH, then the system's folders.
func (p *program) needs(triplet string) []need {
	var all []need
	for _, i := range p.interpreters {
		all = append(all, need{name: i, by: p.path, paths: []string{merged(path.Join("/", i))}, interpreter: true})
	}
	for _, lib := range p.needed {
		n := need{name: lib, by: p.path}
		if path.IsAbs(lib) { // opened as it is, not searched for
			all = append(all, need{name: lib, by: p.path, paths: []string{merged(path.Clean(lib))}})
			continue
		}
		for _, dir := range append(slices.Clone(p.runpath), "/usr/lib/"+triplet, "/usr/lib") {
			n.paths = append(n.paths, path.Join(dir, lib))
		}
		if lib == "libjvm.so" { // java(1) has opened it before it opens the others
			n.paths = append(n.paths, path.Join(path.Dir(p.path), "server", lib))
		}
		all = append(all, n)
	}
	return all
}
