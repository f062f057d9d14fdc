package image

import (
	"context"
	"fmt"
	"slices"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// addBase adds the base and the packages that the recipe names.
func (a *assembly) addBase(ctx context.Context) error {
	names := slices.Clone(a.Recipe.Image.Packages)
	if a.Base != nil {
		if err := a.readBase(); err != nil {
			return err
		}
	} else {
		base, err := a.basePackages()
		if err != nil {
			return err
		}
		if err := a.addPackages(ctx, "base "+a.Recipe.Image.Base, base, a.skeleton); err != nil {
			return err
		}
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(base, n) })
	}
	return a.addPackages(ctx, "packages of the recipe", names, nil)
}

// written is a layer of packages that was written before.
type written struct {
	Layer     layer.Layer         `json:"layer"`
	Installed []recipes.Installed `json:"installed"`
}

// addPackages adds one layer with the named packages and with what extra
// makes. The same packages make the same layer for every recipe, so that
// registries and hosts hold it once; it is made once.
func (a *assembly) addPackages(ctx context.Context, by string, names []string, extra func(newest int64) []layer.Entry) error {
	pkgs, err := a.locked(names)
	if err != nil || len(pkgs) == 0 {
		return err
	}
	a.seeds = append(a.seeds, pkgs...)
	if extra == nil {
		loaded, err := a.load(ctx, pkgs)
		if err != nil {
			return err
		}
		return a.addLoaded(ctx, by, loaded, nil)
	}
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return err
	}
	key, err := memo.Key("base-layer", Format, a.Recipe.Suite, names, platform.Image)
	if err != nil {
		return err
	}
	w, err := memo.Do(a.Memo, key,
		func(w written) bool { return a.Store.Has(w.Layer.Blob.Hex, w.Layer.Bytes) },
		func() (written, error) { return a.writeBase(ctx, pkgs, extra) })
	if err != nil {
		return err
	}
	l := w.Layer.In(a.Store)
	for _, f := range l.Files {
		a.root.add(layer.Entry{File: f}) // without content: it was looked at when the layer was written
	}
	a.layers = append(a.layers, addition{layer: l, by: by, debs: w.Installed})
	return nil
}

func (a *assembly) writeBase(ctx context.Context, pkgs []recipes.Package, extra func(int64) []layer.Entry) (written, error) {
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return written{}, err
	}
	// Nothing but what the key names may show in the layer.
	scratch := &assembly{Input: a.Input, root: newTree()}
	scratch.Recipe = &recipes.Recipe{File: a.Recipe.File}
	scratch.Lists = func(context.Context) (map[string]string, error) { return nil, nil }
	scratch.Lock = &recipes.Lock{Platforms: []recipes.LockedPlatform{{Platform: a.Platform, Image: platform.Image}}}
	defer scratch.close()
	if pkgs, err = scratch.withLibraries(ctx, pkgs); err != nil {
		return written{}, err
	}
	loaded, err := scratch.load(ctx, pkgs)
	if err != nil {
		return written{}, err
	}
	if err := scratch.addLoaded(ctx, "", loaded, extra); err != nil {
		return written{}, err
	}
	findings, err := scratch.inspectTree()
	if err == nil {
		err = Judge(scratch.Recipe, findings)
	}
	if err != nil {
		return written{}, err
	}
	add := scratch.layers[0]
	return written{Layer: *add.layer, Installed: add.debs}, nil
}

// addLoaded adds one layer with the packages.
func (a *assembly) addLoaded(ctx context.Context, by string, loaded []*packageFiles, extra func(int64) []layer.Entry) error {
	loaded, err := a.withCopyright(ctx, loaded)
	if err != nil {
		return err
	}
	var installed []recipes.Installed
	var newest int64
	for _, p := range loaded {
		installed = append(installed, p.installed)
		for _, e := range p.entries {
			newest = max(newest, e.Time)
		}
	}
	var entries []layer.Entry
	if extra != nil {
		entries = append(extra(newest), generated(loaded, newest)...)
		for _, e := range entries {
			a.root.add(e)
		}
	}
	more, err := a.newEntries(loaded)
	if err != nil {
		return err
	}
	return a.addLayer(by, append(entries, more...), installed)
}

// locked finds packages by name in the lock.
func (a *assembly) locked(names []string) ([]recipes.Package, error) {
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return nil, err
	}
	var pkgs []recipes.Package
	for _, n := range names {
		i := slices.IndexFunc(platform.Image, func(p recipes.Package) bool { return p.Name == n })
		if i < 0 {
			return nil, fmt.Errorf("the lock has no package %s for the image; run `kiln lock`", n)
		}
		pkgs = append(pkgs, platform.Image[i])
	}
	return pkgs, nil
}
