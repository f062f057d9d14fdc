package builder

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
)

// Architecture is Debian's name for the architecture of a platform (os/arch).
func Architecture(platform string) string {
	_, arch, _ := strings.Cut(platform, "/")
	return arch // Debian and OCI agree on those that kiln builds for
}

func (k *Locker) platform(ctx context.Context, r *recipes.Recipe, platform string) (recipes.LockedPlatform, []recipes.Archive, error) {
	locked := recipes.LockedPlatform{Platform: platform}
	index, err := k.Archive.Index(ctx, r.Suite, Architecture(platform))
	if err != nil {
		return locked, nil, fmt.Errorf("locking packages for %s: %w", platform, err)
	}
	target, err := newTarget(platform, r.Builder(platform))
	if err != nil {
		return locked, nil, err
	}
	tools := index
	if target.Cross() {
		locked.Builder = target.Builder
		native, err := k.Archive.Index(ctx, r.Suite, Architecture(target.Builder))
		if err != nil {
			return locked, nil, fmt.Errorf("locking packages for %s: %w", target.Builder, err)
		}
		tools = native.With(index)
	}
	if r.Build.Image == "" {
		if locked.Build, err = buildPackages(r, tools, target); err != nil {
			return locked, nil, err
		}
	}
	locked.Image, err = imagePackages(r, index)
	return locked, index.Archives(), err
}

func buildPackages(r *recipes.Recipe, index *archive.Index, target Target) ([]recipes.Package, error) {
	var seeds []string
	for _, t := range r.Build.Toolchain {
		packages, err := checkToolchain(r, t, index)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, packages...)
	}
	extra := slices.DeleteFunc(extraPackages(r), func(name string) bool {
		_, ok := index.Lookup(name)
		return name == auditPackage && !ok
	})
	seeds = crossSeeds(append(seeds, extra...), target)
	res, err := index.Resolve(archive.Request{Seeds: seeds, Build: r.Build.Packages, Essential: true})
	if err != nil {
		return nil, placedPackages(r, "build.packages", r.Build.Packages, err)
	}
	return res.Packages, nil
}

// checkToolchain are the seeds of a toolchain. Where the suite lacks it, its
// error says which versions there are.
func checkToolchain(r *recipes.Recipe, toolchain string, index *archive.Index) ([]string, error) {
	seeds, ok, err := toolchainSeeds(toolchain, index)
	if err != nil || ok {
		return seeds, err
	}
	problem := recipes.Problem{
		File: r.File, Pos: r.Pos(entryOf("build.toolchain", r.Build.Toolchain, toolchain)),
		Msg: fmt.Sprintf("%s has no toolchain %s", r.Suite, toolchain),
	}
	if have := toolchains(toolchain, index); len(have) > 0 {
		problem.Hint = "there is " + strings.Join(have, ", ")
	}
	return nil, &recipes.Errors{Problems: []recipes.Problem{problem}}
}

// imagePackages are the packages of the base and of image.packages, with what
// the latter and the C library depend on: of these the closure takes what is
// needed. Packages of data are taken alone, for their dependencies serve
// installing them.
func imagePackages(r *recipes.Recipe, index *archive.Index) ([]recipes.Package, error) {
	base, _ := image.BasePackages(r.Image.Base)
	data, _ := image.BasePackages("static")
	var seeds []string
	var locked []recipes.Package
	for _, name := range append(slices.Clone(base), r.Image.Packages...) {
		if !slices.Contains(data, name) {
			seeds = append(seeds, name)
			continue
		}
		p, ok := index.Lookup(name)
		if !ok {
			return nil, placed(r, r.Pos("image.base"), fmt.Errorf("resolving base %s: %s has no package %s", r.Image.Base, r.Suite, name))
		}
		locked = append(locked, p)
	}
	res, err := index.Resolve(archive.Request{Seeds: seeds})
	if err != nil {
		return nil, placedPackages(r, "image.packages", r.Image.Packages, err)
	}
	locked = slices.DeleteFunc(locked, func(p recipes.Package) bool {
		return slices.ContainsFunc(res.Packages, func(o recipes.Package) bool { return o.Name == p.Name })
	})
	locked = append(locked, res.Packages...)
	slices.SortFunc(locked, func(a, b recipes.Package) int { return strings.Compare(a.Name, b.Name) })
	return locked, nil
}
