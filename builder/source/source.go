// Package source turns the sources of a recipe into layers for the build: it
// pins them, fetches them, checks them against the lock and unpacks them,
// without running anything of theirs.
//
// Git repositories are not its business: the engine fetches those itself.
// Start at [Fetcher.Lock] and [Fetcher.Layer].
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/gomod"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// format changes with the bytes that the layers of this package are.
const format = "source-layer 2"

// Sources is the part of the Debian archive's indexes that Lock needs.
type Sources interface {
	Lookup(name, version, suite string) (archive.Source, error)
}

// Fetcher fetches sources.
type Fetcher struct {
	Cache *blobs.Store
	Memo  memo.Dir
	HTTP  *http.Client
	Go    *gomod.Client
	// Archive downloads from the Debian archive.
	Archive *archive.Client
}

// Pinned is a locked source and when it was made, in seconds since 1970; zero
// where that cannot be known.
type Pinned struct {
	recipes.LockedSource
	Time int64
}

// Lock pins src, which is any but a git source. Local sources are found below
// dir; debian knows the source packages, and is asked only for those.
func (f *Fetcher) Lock(ctx context.Context, src recipes.Source, dir string, debian func() (Sources, error)) (Pinned, error) {
	switch src.Kind() {
	case "archive":
		return f.lockArchive(ctx, src)
	case "go":
		return f.lockGo(ctx, src)
	case "debian":
		index, err := debian()
		if err != nil {
			return Pinned{}, err
		}
		return f.lockDebian(ctx, src, index)
	case "local":
		if _, err := os.ReadDir(filepath.Join(dir, src.Local.Path)); err != nil {
			return Pinned{}, fmt.Errorf("reading local source: %w", err)
		}
		return Pinned{LockedSource: recipes.LockedSource{Kind: "local", Name: src.Local.Path}}, nil
	}
	return Pinned{}, fmt.Errorf("locking a source of kind %s is not done here", src.Kind())
}

func (f *Fetcher) lockArchive(ctx context.Context, src recipes.Source) (Pinned, error) {
	if err := f.fetchArchive(ctx, src.Archive); err != nil {
		return Pinned{}, err
	}
	blob := f.Cache.Path(src.Archive.SHA256)
	fi, err := os.Stat(blob)
	if err != nil {
		return Pinned{}, err
	}
	newest, err := newest(blob)
	if err != nil {
		return Pinned{}, fmt.Errorf("reading %s: %w", src, err)
	}
	name := FileName(src.Archive.URL)
	return Pinned{Time: newest, LockedSource: recipes.LockedSource{
		Kind: "archive", Name: name,
		Files: []recipes.LockedFile{{Path: name, Size: fi.Size(), SHA256: src.Archive.SHA256}},
	}}, nil
}

// FileName is what a file from a URL is called: the last element of the URL's
// path, and "archive" where that has none.
func FileName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "archive"
	}
	name := path.Base(path.Clean("/" + u.Path))
	if name == "/" || hasControl(name) || strings.Contains(name, "\\") {
		return "archive"
	}
	return name
}

func (f *Fetcher) lockGo(ctx context.Context, src recipes.Source) (Pinned, error) {
	modpath, version, _ := strings.Cut(src.Go, "@")
	m, err := f.Go.Resolve(ctx, modpath, version)
	if err != nil {
		return Pinned{}, err
	}
	return Pinned{Time: m.Time.Unix(), LockedSource: recipes.LockedSource{
		Kind: "go", Name: modpath, Version: version, Sum: m.Sum, GoMod: m.GoMod,
	}}, nil
}

func (f *Fetcher) lockDebian(ctx context.Context, src recipes.Source, index Sources) (Pinned, error) {
	pkg, err := index.Lookup(src.Debian.Package, src.Debian.Version, src.Debian.Suite)
	if err != nil {
		return Pinned{}, err
	}
	locked := recipes.LockedSource{Kind: "debian", Name: pkg.Name, Version: pkg.Version}
	for _, file := range pkg.Files {
		if strings.HasSuffix(file.Path, ".asc") {
			continue // upstream's signature; the index's digests vouch for the file
		}
		locked.Files = append(locked.Files, recipes.LockedFile{
			Path: file.Path, Archive: file.Archive, Size: file.Size, SHA256: file.SHA256,
		})
	}
	if err := f.fetchDebian(ctx, locked); err != nil {
		return Pinned{}, err
	}
	pinned := Pinned{LockedSource: locked}
	for _, file := range tarballs(locked) {
		t, err := newest(f.Cache.Path(file.SHA256))
		if err != nil {
			return Pinned{}, fmt.Errorf("reading %s: %w", file.Path, err)
		}
		pinned.Time = max(pinned.Time, t)
	}
	return pinned, nil
}

// newest is the newest modification time in the archive at file.
func newest(file string) (int64, error) {
	u, sp, err := open(file)
	if err != nil {
		return 0, err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	return u.newest, nil
}

// open unpacks the archive at file; close the spool when done.
func open(file string) (unpacked, *spool.Spool, error) {
	in, err := os.Open(file)
	if err != nil {
		return unpacked{}, nil, err
	}
	defer in.Close()
	sp, err := spool.New("")
	if err != nil {
		return unpacked{}, nil, err
	}
	u, err := unpack(in, sp)
	if err != nil {
		sp.Close() //nolint:errcheck // the other error says more
		return unpacked{}, nil, err
	}
	return u, sp, nil
}

// Layer returns the files of src, any but a git source, below the folder that
// src.Into names, all dated epoch. What is fetched has the digests of locked.
// A local source is found below dir and has the digest tree.
func (f *Fetcher) Layer(ctx context.Context, src recipes.Source, locked recipes.LockedSource, dir, tree string, epoch int64) (*layer.Layer, error) {
	if locked.Kind != src.Kind() {
		return nil, fmt.Errorf("the lock has a source of kind %s where the recipe has %s", locked.Kind, src)
	}
	made := func() (layer.Layer, error) { return f.write(ctx, src, locked, dir, tree, epoch) }
	var strip *int
	if src.Archive != nil {
		strip = src.Archive.Strip
	}
	key, err := memo.Key(format, locked, tree, strip, src.Debian, src.Into, epoch)
	if err != nil {
		return nil, err
	}
	l, err := memo.Do(f.Memo, key, func(l layer.Layer) bool { return f.Cache.Has(l.Blob.Hex, l.Bytes) }, made)
	if err != nil {
		return nil, fmt.Errorf("preparing source %s: %w", src, err)
	}
	return l.In(f.Cache), nil
}

func (f *Fetcher) write(ctx context.Context, src recipes.Source, locked recipes.LockedSource, dir, tree string, epoch int64) (layer.Layer, error) {
	sp, err := spool.New("")
	if err != nil {
		return layer.Layer{}, err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	entries, err := f.entries(ctx, sp, src, locked, dir)
	if err == nil && src.Local == nil { // recipes.Local has looked at links
		err = contained(entries)
	}
	if err != nil {
		return layer.Layer{}, err
	}
	for i := range entries {
		entries[i].Path = path.Join("/", src.Into, entries[i].Path)
		entries[i].Time, entries[i].Owner = epoch, recipes.OwnerService
	}
	entries = append(entries, layer.Parents(entries, recipes.OwnerService, epoch, func(string) bool { return false })...)
	l, err := layer.Write(f.Cache, entries, layer.None)
	if err != nil {
		return layer.Layer{}, err
	}
	return *l, unchanged(ctx, src, dir, tree)
}

// unchanged refuses a local source that someone edits while it is read: what
// was read would be remembered as what was hashed.
func unchanged(ctx context.Context, src recipes.Source, dir, tree string) error {
	if src.Local == nil {
		return nil
	}
	now, err := LocalDigest(ctx, *src.Local, dir)
	if err == nil && now != tree {
		err = errors.New("it changed while it was read; build again")
	}
	return err
}

func (f *Fetcher) entries(ctx context.Context, sp *spool.Spool, src recipes.Source, locked recipes.LockedSource, dir string) ([]layer.Entry, error) {
	switch src.Kind() {
	case "archive":
		if err := f.fetchArchive(ctx, src.Archive); err != nil {
			return nil, err
		}
		entries, err := f.archiveEntries(sp, src.Archive.SHA256)
		return strip(entries, src.Archive.Strip), err
	case "go":
		return f.goEntries(ctx, sp, locked)
	case "debian":
		return f.debianEntries(ctx, sp, locked, src.Debian.Patches)
	case "local":
		return localEntries(filepath.Join(dir, src.Local.Path), src.Local.Ignore)
	}
	return nil, fmt.Errorf("a source of kind %s has no layer", src.Kind())
}

func (f *Fetcher) archiveEntries(sp *spool.Spool, hexsum string) ([]layer.Entry, error) {
	in, err := os.Open(f.Cache.Path(hexsum))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	u, err := unpack(in, sp)
	return u.entries, err
}

func (f *Fetcher) goEntries(ctx context.Context, sp *spool.Spool, locked recipes.LockedSource) ([]layer.Entry, error) {
	if err := module.Check(locked.Name, locked.Version); err != nil {
		return nil, fmt.Errorf("reading lock: %w", err)
	}
	file, err := f.Go.Zip(ctx, locked.Name, locked.Version, locked.Sum)
	if err != nil {
		return nil, err
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	u, err := unpack(in, sp)
	if err != nil {
		return nil, err
	}
	// Every file of a module zip is below path@version/
	// (https://go.dev/ref/mod#zip-files).
	prefix := "/" + locked.Name + "@" + locked.Version + "/"
	for _, e := range u.entries {
		if !strings.HasPrefix(e.Path, prefix) {
			return nil, &HostileError{e.Path, "it is not below " + prefix[1:]}
		}
	}
	depth := strings.Count(prefix, "/") - 1
	return strip(u.entries, &depth), nil
}

// fetchArchive puts the archive into the cache: from its URL, or the first
// mirror that serves what the recipe's sha256 says.
func (f *Fetcher) fetchArchive(ctx context.Context, a *recipes.ArchiveSource) error {
	if f.Cache.Has(a.SHA256, -1) {
		return nil
	}
	_, err := f.fromAny(ctx, a, a.SHA256)
	return err
}

// Hash downloads an archive, whatever its sha256 is in the recipe, and returns
// that of what came.
func (f *Fetcher) Hash(ctx context.Context, a *recipes.ArchiveSource) (sha256 string, err error) {
	return f.fromAny(ctx, a, "")
}

// fromAny downloads an archive from its URL, or the first mirror that has it.
func (f *Fetcher) fromAny(ctx context.Context, a *recipes.ArchiveSource, want string) (sha256 string, err error) {
	var errs []error
	for _, u := range append([]string{a.URL}, a.Mirrors...) {
		sha256, err := f.download(ctx, u, want)
		if err == nil || ctx.Err() != nil {
			return sha256, err
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func (f *Fetcher) download(ctx context.Context, raw, want string) (sha256 string, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("fetching an archive: its URL cannot be read")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, nil)
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", u.Redacted(), err)
	}
	resp, err := f.HTTP.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return "", fmt.Errorf("fetching %s: %w", u.Redacted(), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetching %s: %s", u.Redacted(), resp.Status)
	}
	if resp.ContentLength > maxBytes {
		return "", fmt.Errorf("fetching %s: it is %d bytes, over the limit of %d", u.Redacted(), resp.ContentLength, int64(maxBytes))
	}
	sha256, size, err := f.Cache.Put(io.LimitReader(resp.Body, maxBytes+1), want)
	if err == nil && size > maxBytes { // else a part would be taken for the whole
		err = fmt.Errorf("it is over the limit of %d bytes", int64(maxBytes))
	}
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", u.Redacted(), err)
	}
	return sha256, nil
}
