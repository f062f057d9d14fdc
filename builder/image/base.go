package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// BasePackages are the Debian packages that a base of kiln's consists of, and
// whether base is one.
func BasePackages(base string) ([]string, bool) {
	static := []string{"ca-certificates", "tzdata"}
	switch base {
	case "static":
		return static, true
	case "glibc":
		return append(static, "libc6"), true
	case "cc":
		return append(static, "libc6", "libgcc-s1", "libstdc++6"), true
	}
	return nil, false
}

// addBase adds the base and the packages that the recipe names.
func (a *assembly) addBase(ctx context.Context) error {
	names := slices.Clone(a.Recipe.Image.Packages)
	if a.Base != nil {
		if err := a.readBase(); err != nil {
			return err
		}
	} else {
		base, ok := BasePackages(a.Recipe.Image.Base)
		if !ok {
			return fmt.Errorf("there is no base %q; there are static, glibc and cc", a.Recipe.Image.Base)
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
	scratch.Lock = &recipes.Lock{Platforms: []recipes.LockedPlatform{{Platform: a.Platform, Image: platform.Image}}}
	defer scratch.close()
	loaded, err := scratch.load(ctx, pkgs)
	if err != nil {
		return written{}, err
	}
	if err := scratch.addLoaded(ctx, "", loaded, extra); err != nil {
		return written{}, err
	}
	findings, err := scratch.inspectTree()
	if err == nil {
		err = judge(&recipes.Recipe{File: a.Recipe.File}, findings)
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
		entries = extra(newest)
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

// skeleton is what every base of kiln's has besides packages.
func (a *assembly) skeleton(newest int64) []layer.Entry {
	dir := func(p string, mode int64) layer.Entry {
		return layer.Entry{Time: newest, File: recipes.File{Path: p, Type: tar.TypeDir, Mode: mode, Owner: recipes.OwnerBase}}
	}
	link := func(p, target string) layer.Entry {
		return layer.Entry{Time: newest, File: recipes.File{Path: p, Type: tar.TypeSymlink, Mode: 0o777, Linkname: target, Owner: recipes.OwnerBase}}
	}
	file := func(p, text string) layer.Entry {
		return fileEntry(p, []byte(text), 0o644, newest, recipes.OwnerBase)
	}
	entries := []layer.Entry{
		dir("/tmp", 0o1777), dir("/etc", 0o755), dir("/usr", 0o755), dir("/usr/bin", 0o755), dir("/usr/sbin", 0o755), dir("/usr/lib", 0o755), dir("/usr/lib64", 0o755),
		link("/bin", "usr/bin"), link("/sbin", "usr/sbin"), link("/lib", "usr/lib"), link("/lib64", "usr/lib64"),
		link("/etc/os-release", "../usr/lib/os-release"),
		file("/usr/lib/os-release", osRelease(a.Recipe.Suite)),
		file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n"),
	}
	return entries
}

// osRelease names the suite in the way of os-release(5), by which scanners
// find out whose advisories apply.
func osRelease(suite string) string {
	fields := []string{
		`PRETTY_NAME="kiln base (Debian ` + suite + `)"`, `NAME="Debian GNU/Linux"`, "ID=debian",
		"VERSION_CODENAME=" + suite, `HOME_URL="https://www.debian.org/"`,
	}
	if n, ok := debianVersion(suite); ok {
		fields = append(fields, `VERSION_ID="`+n+`"`)
	}
	return strings.Join(fields, "\n") + "\n"
}

// debianVersion is the number of a release
// (https://www.debian.org/releases/). Sid has none.
func debianVersion(suite string) (string, bool) {
	n, ok := map[string]string{"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}[suite]
	return n, ok
}

// maxBase is the limit on what a registry image unpacks to, in bytes.
const maxBase = 16 << 30

// readBase lists the files of the registry image that serves as base.
func (a *assembly) readBase() error {
	sp, err := spool.New("")
	if err != nil {
		return err
	}
	a.debs = append(a.debs, &packageFiles{spool: sp})
	r := mutate.Extract(a.Base)
	defer r.Close()
	var entries []layer.Entry
	left := int64(maxBase)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading base image: %w", err)
		}
		e := layer.Entry{Time: h.ModTime.Unix(), Capability: h.PAXRecords[layer.CapabilityRecord], File: recipes.File{
			Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, //nolint:gosec // nothing is written to it
			Linkname: h.Linkname, Owner: recipes.OwnerImage,
		}}
		if h.Typeflag == tar.TypeReg {
			f, err := sp.Add(t, left)
			if err != nil {
				return fmt.Errorf("reading base image: %s: %w", e.Path, err)
			}
			left -= f.Size()
			e.Size, e.Open = f.Size(), f.Open
		}
		entries = append(entries, e)
	}
	return a.adopt(entries)
}

// adopt hashes the base image's files and takes them as they are.
func (a *assembly) adopt(entries []layer.Entry) error {
	for _, e := range entries {
		if e.Path == "/" {
			continue
		}
		if e.Type == tar.TypeLink {
			target, ok := a.root.byPath[path.Join("/", e.Linkname)]
			if !ok {
				return fmt.Errorf("reading base image: %s links to %s, which is not there", e.Path, e.Linkname)
			}
			e.Type, e.Linkname, e.Size, e.Open = tar.TypeReg, "", target.Size, target.Open
			e.SHA1, e.SHA256 = target.SHA1, target.SHA256
		} else if err := layer.Hash(&e); err != nil {
			return fmt.Errorf("reading base image: %s: %w", e.Path, err)
		}
		a.root.add(e)
	}
	return nil
}
