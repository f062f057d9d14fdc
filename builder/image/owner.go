package image

import (
	"archive/tar"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

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
	lists, err := a.fileLists(ctx)
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

// fileLists are dpkg's file lists of the build environment, asked for once.
func (a *assembly) fileLists(ctx context.Context) (map[string]string, error) {
	var err error
	if a.lists == nil {
		a.lists, err = a.Lists(ctx)
	}
	return a.lists, err
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
