package image

import (
	"archive/tar"
	"cmp"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/linked"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// link finds the static libraries of the build environment in the programs and
// libraries that the build made.
func (a *assembly) link(ctx context.Context, service []layer.Entry) error {
	var programs []layer.Entry
	for _, e := range service {
		may, err := a.mayLink(e)
		if err != nil {
			return err
		}
		if may {
			programs = append(programs, e)
		}
	}
	if len(programs) == 0 {
		return nil
	}
	libraries, err := a.staticLibraries(ctx)
	if err != nil || len(libraries) == 0 {
		return err
	}
	x := newLinkIndex(libraries)
	for _, e := range programs {
		found, err := x.find(e)
		if err != nil {
			return err
		}
		for _, l := range found {
			if l.Package, err = a.described(ctx, l.Package.Package); err != nil {
				return err
			}
			a.linked = append(a.linked, l)
		}
	}
	return nil
}

// mayLink reports whether code of C may be in a file. The Go linker alone
// links what is built without cgo.
func (a *assembly) mayLink(e layer.Entry) (bool, error) {
	if e.Owner != recipes.OwnerService || e.Type != tar.TypeReg {
		return false, nil
	}
	at, done, err := openMagic(e)
	if at == nil {
		return false, err
	}
	defer done()
	info, err := buildinfo.Read(at)
	return err != nil || !slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "0"}), nil
}

// staticLibraries reads the packages of the build environment that have some,
// for the image's machine. They are in the order of the lock.
func (a *assembly) staticLibraries(ctx context.Context) ([]packageLibraries, error) {
	platform, err := a.Lock.For(a.Platform)
	if err != nil || len(platform.Build) == 0 {
		return nil, err
	}
	lists, err := a.fileLists(ctx)
	if err != nil {
		return nil, err
	}
	_, arch, _ := strings.Cut(a.Platform, "/")
	var all []packageLibraries
	for _, pkg := range platform.Build {
		if pkg.Architecture == arch || pkg.Architecture == "all" {
			if hasLibrary(lists[pkg.Name+":"+arch+".list"]) || hasLibrary(lists[pkg.Name+".list"]) {
				all = append(all, packageLibraries{pkg: pkg})
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i := range all {
		g.Go(func() (err error) {
			all[i].archives, err = a.archivesOf(ctx, all[i].pkg)
			return err
		})
	}
	return all, g.Wait()
}

// hasLibrary reports whether a list of files names a static library.
func hasLibrary(list string) bool {
	for p := range strings.Lines(list) {
		if isLibrary(strings.TrimSuffix(p, "\n")) {
			return true
		}
	}
	return false
}

// isLibrary reports whether a file may be a static library. What is for all
// machines (Filesystem Hierarchy Standard, "/usr/share") is none.
func isLibrary(p string) bool {
	return strings.HasSuffix(p, ".a") && !strings.HasPrefix(p, "/usr/share/")
}

// packageLibraries are the static libraries of a package.
type packageLibraries struct {
	pkg      recipes.Package
	archives []linked.Archive
}

// archivesOf reads the static libraries of a package, or remembers them.
func (a *assembly) archivesOf(ctx context.Context, pkg recipes.Package) ([]linked.Archive, error) {
	key, err := memo.Key("static-libraries", linked.Format, a.Platform, pkg.SHA256)
	if err != nil {
		return nil, err
	}
	return memo.Do(a.Memo, key, nil, func() ([]linked.Archive, error) {
		if err := a.Fetch(ctx, []recipes.Package{pkg}); err != nil {
			return nil, err
		}
		return readLibraries(a.Store.Path(pkg.SHA256), machines[a.Platform])
	})
}

func readLibraries(file string, machine elf.Machine) ([]linked.Archive, error) {
	deb, closer, err := archive.OpenDebFile(file)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	all := []linked.Archive{}
	err = deb.Files(func(h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg || !isLibrary("/"+h.Name) {
			return nil
		}
		l, err := linked.ReadArchive(r, merged("/"+h.Name), machine)
		if len(l.Codes) > 0 {
			all = append(all, l)
		}
		return err
	})
	return all, err
}

// linkIndex is the index of the libraries of packages.
type linkIndex struct {
	*linked.Index
	owner map[string]recipes.Package // by the archive's path
}

func newLinkIndex(libraries []packageLibraries) *linkIndex {
	x := &linkIndex{owner: map[string]recipes.Package{}}
	var archives []linked.Archive
	// A cross compiler's copies of libraries are in packages for all machines,
	// and come last.
	for _, copies := range []bool{false, true} {
		for _, l := range libraries {
			if (l.pkg.Architecture == "all") != copies {
				continue
			}
			for _, lib := range l.archives {
				archives = append(archives, lib)
				x.owner[lib.Path] = l.pkg
			}
		}
	}
	x.Index = linked.NewIndex(archives)
	return x
}

// find is what one program holds, by package. Of the packages only the lock's
// part is known yet.
func (x *linkIndex) find(e layer.Entry) ([]recipes.Linked, error) {
	f, done, err := openELF(e)
	if f == nil {
		return nil, err
	}
	defer done()
	found, err := x.Find(f)
	if err != nil {
		return nil, fmt.Errorf("looking for static libraries in %s: %w", e.Path, err)
	}
	var all []recipes.Linked
	for _, lib := range found {
		pkg := x.owner[lib.Archive]
		i := slices.IndexFunc(all, func(l recipes.Linked) bool { return l.Package.Name == pkg.Name })
		if i < 0 {
			i, all = len(all), append(all, recipes.Linked{Path: e.Path, Package: recipes.Installed{Package: pkg}})
		}
		all[i].Archives = append(all[i].Archives, recipes.LinkedArchive{Path: lib.Archive, Members: len(lib.Members), All: lib.All})
	}
	slices.SortFunc(all, func(p, q recipes.Linked) int { return cmp.Compare(p.Package.Name, q.Package.Name) })
	return all, nil
}

// described is what a package says of itself.
func (a *assembly) described(ctx context.Context, pkg recipes.Package) (recipes.Installed, error) {
	loaded, err := a.load(ctx, []recipes.Package{pkg})
	if err != nil {
		return recipes.Installed{}, err
	}
	if _, err := a.withCopyright(ctx, loaded); err != nil && !errors.Is(err, errNoCopyright) {
		return recipes.Installed{}, err
	}
	return loaded[0].installed, nil
}
