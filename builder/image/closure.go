package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
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

// closure works out which packages the programs of an image need.
type closure struct {
	root *tree
	// candidates are the locked packages by name; owner has the package of
	// each path that they hold, read when first asked for.
	candidates map[string]recipes.Package
	owner      map[string]string
	triplet    string
	queue      []layer.Entry
	// runpaths are the folders that programs of the service name; nil before
	// they are asked for.
	runpaths []string
}

// addClosure adds the packages that hold the shared libraries and
// interpreters which the programs of the image need, and theirs.
func (a *assembly) addClosure(ctx context.Context) error {
	loaded, err := a.missing(ctx)
	if err != nil || len(loaded) == 0 {
		return err
	}
	all, err := a.withCopyright(ctx, loaded)
	if err != nil {
		return err
	}
	for _, p := range all[len(loaded):] {
		for _, e := range p.entries {
			if !a.root.has(e.Path) {
				a.root.add(e)
			}
		}
	}
	slices.SortFunc(all, func(x, y *packageFiles) int { return strings.Compare(x.installed.Name, y.installed.Name) })
	return a.addClosureLayer(all)
}

// missing adds to the tree the packages that its programs need, and returns
// them.
func (a *assembly) missing(ctx context.Context) ([]*packageFiles, error) {
	c := &closure{root: a.root, triplet: triplets[a.Platform]}
	for _, e := range a.root.sorted() {
		if e.Owner != recipes.OwnerImage && e.Type == tar.TypeReg && !slices.Contains(dataOnly, e.Owner) {
			c.queue = append(c.queue, e)
		}
	}
	a.added = map[string]string{}
	var loaded []*packageFiles
	for len(c.queue) > 0 {
		e := c.queue[0]
		c.queue = c.queue[1:]
		more, err := a.satisfy(ctx, c, e)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, more...)
	}
	return loaded, nil
}

// dataOnly own no programs; not reading their many files saves time.
var dataOnly = []string{recipes.OwnerDebian("tzdata"), recipes.OwnerDebian("ca-certificates"), recipes.OwnerBase}

// addClosureLayer writes the layer of packages that satisfy added to the tree.
func (a *assembly) addClosureLayer(loaded []*packageFiles) error {
	var entries []layer.Entry
	var installed []recipes.Installed
	var newest int64
	for _, p := range loaded {
		installed = append(installed, p.installed)
		for _, e := range p.entries {
			newest = max(newest, e.Time)
			if a.root.byPath[e.Path].Owner == e.Owner {
				entries = append(entries, e)
			}
		}
	}
	parents := layer.Parents(entries, recipes.OwnerBase, newest, a.root.has)
	for _, e := range parents {
		a.root.add(e)
	}
	return a.addLayer("packages that the service needs", append(entries, parents...), installed)
}

// satisfy finds what one file needs, and returns the packages that it had to
// add to the tree for that.
func (a *assembly) satisfy(ctx context.Context, c *closure, e layer.Entry) ([]*packageFiles, error) {
	prog, err := readProgram(e)
	if err != nil || prog == nil {
		return nil, err
	}
	var loaded []*packageFiles
	for _, need := range prog.needs(c.triplet) {
		if c.holds(need) || need.interpreter && prog.script && !a.asked(e.Owner) {
			continue
		}
		name, err := a.holder(ctx, c, need)
		var nowhere *NeedError
		if errors.As(err, &nowhere) && e.Owner != recipes.OwnerService {
			a.missed = append(a.missed, nowhere)
			continue
		}
		if err != nil {
			return nil, err
		}
		more, err := a.addPackage(ctx, c, name, fmt.Sprintf("%s for %s", need.name, e.Path))
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, more...)
		if !c.holds(need) {
			return nil, fmt.Errorf("%s needs %s, which the package %s should hold but does not", need.by, need.name, name)
		}
	}
	return loaded, nil
}

// asked reports whether the recipe asks for what this owner brings. Scripts of
// a package that is there for its library or its interpreter are helpers of
// administrators and developers, and bring no interpreter along. What a
// library of a package needs and the lock has not, the package does not depend
// on in Debian either: it is for a feature that does without.
func (a *assembly) asked(owner string) bool {
	return owner == recipes.OwnerService || slices.ContainsFunc(a.Recipe.Image.Packages, func(name string) bool { return owner == recipes.OwnerDebian(name) })
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

// holder is the locked package that holds what is needed.
func (a *assembly) holder(ctx context.Context, c *closure, n need) (string, error) {
	if c.owner == nil {
		if err := a.index(ctx, c); err != nil {
			return "", err
		}
	}
	for _, p := range n.paths {
		if name, ok := c.owner[p]; ok {
			return name, nil
		}
	}
	e := &NeedError{Need: n.name, By: n.by}
	for _, dir := range []string{"/usr/local/lib", "/usr/local/lib/" + c.triplet, "/opt/lib"} {
		if c.root.has(path.Join(dir, n.name)) {
			e.Found = path.Join(dir, n.name)
		}
	}
	return "", e
}

// index reads which package holds which path: of those of the build
// environment from dpkg's lists there, of the others from the packages.
func (a *assembly) index(ctx context.Context, c *closure) error {
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return err
	}
	c.candidates, c.owner = map[string]recipes.Package{}, map[string]string{}
	a.owner = c.owner
	// Of a cross environment, the packages that run there are no candidates.
	_, arch, _ := strings.Cut(a.Platform, "/")
	for _, p := range platform.Build {
		if p.Architecture == arch || p.Architecture == "all" {
			c.candidates[p.Name] = p
		}
	}
	listed := maps.Clone(c.candidates)
	var unread []recipes.Package
	for _, p := range platform.Image {
		if _, ok := c.candidates[p.Name]; !ok && !slices.ContainsFunc(a.seeds, func(s recipes.Package) bool { return s.Name == p.Name }) {
			unread = append(unread, p)
		}
		c.candidates[p.Name] = p
	}
	lists, err := a.Lists(ctx)
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(lists)) {
		text := lists[file]
		name, of, qualified := strings.Cut(strings.TrimSuffix(file, ".list"), ":")
		if _, locked := listed[name]; !locked || qualified && of != arch {
			continue
		}
		for _, p := range strings.Split(text, "\n") {
			c.owner[merged(p)] = name
		}
	}
	loaded, err := a.load(ctx, unread)
	for _, p := range loaded {
		for _, e := range p.entries {
			if e.Type != tar.TypeDir {
				c.owner[e.Path] = p.installed.Name
			}
		}
	}
	return err
}

// addPackage adds a package, and the one that holds its copyright file, to
// the tree, and its programs to the queue.
func (a *assembly) addPackage(ctx context.Context, c *closure, name, why string) ([]*packageFiles, error) {
	pkg, ok := c.candidates[name]
	if !ok {
		return nil, fmt.Errorf("the package %s is not locked", name)
	}
	if _, twice := a.added[name]; twice {
		return nil, fmt.Errorf("the package %s, added for %s, does not hold what it should: %s", name, a.added[name], why)
	}
	loaded, err := a.load(ctx, []recipes.Package{pkg})
	if err != nil {
		return nil, err
	}
	a.added[name] = why
	for _, e := range loaded[0].entries {
		if old, there := a.root.byPath[e.Path]; there && (old.Type != tar.TypeDir || e.Type != tar.TypeDir) {
			return nil, fmt.Errorf("%s is in %s and in %s", e.Path, old.Owner, e.Owner)
		} else if there {
			continue
		}
		a.root.add(e)
		if e.Type == tar.TypeReg {
			c.queue = append(c.queue, e)
		}
	}
	return loaded, nil
}
