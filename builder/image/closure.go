package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

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
		for _, part := range a.parts(c, name) {
			more, err := a.addPackage(ctx, c, part, fmt.Sprintf("%s for %s", need.name, e.Path))
			if err != nil {
				return nil, err
			}
			loaded = append(loaded, more...)
		}
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
