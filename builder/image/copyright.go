package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiln-build/kiln/recipes"
)

var errNoCopyright = errors.New("it has no copyright file")

// withCopyright returns the packages and those whose copyright files they
// share.
func (a *assembly) withCopyright(ctx context.Context, pkgs []*packageFiles) ([]*packageFiles, error) {
	all := slices.Clone(pkgs)
	for i := 0; i < len(all); i++ { // it grows: what is shared may be shared again
		p := all[i]
		if p.installed.Copyright != "" {
			continue
		}
		if p.sharing == "" {
			return nil, fmt.Errorf("adding package %s: %w", p.installed.Name, errNoCopyright)
		}
		holder, err := a.copyrightOf(ctx, p.sharing)
		if err != nil {
			return nil, fmt.Errorf("adding package %s: %w", p.installed.Name, err)
		}
		p.installed.Copyright = holder.installed.Copyright
		if !slices.Contains(all, holder) && !a.root.has("/var/lib/dpkg/status.d/"+p.sharing) {
			all = append(all, holder)
		}
	}
	return all, nil
}

func (a *assembly) copyrightOf(ctx context.Context, name string) (*packageFiles, error) {
	if i := slices.IndexFunc(a.debs, func(d *packageFiles) bool { return d.installed.Name == name }); i >= 0 {
		return a.debs[i], nil
	}
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return nil, err
	}
	for _, pkg := range slices.Concat(platform.Image, platform.Build) {
		if pkg.Name == name {
			loaded, err := a.load(ctx, []recipes.Package{pkg})
			if err != nil {
				return nil, err
			}
			return loaded[0], nil
		}
	}
	return nil, fmt.Errorf("its copyright file is in the package %s, which is not locked; run `kiln lock`", name)
}
