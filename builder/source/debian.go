package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Names of the files of a source package (dpkg-source(1), "Format: 3.0
// (quilt)").
var (
	origTar      = regexp.MustCompile(`\.orig\.tar\.[a-z0-9]+$`)
	componentTar = regexp.MustCompile(`\.orig-([A-Za-z0-9-]+)\.tar\.[a-z0-9]+$`)
	debianTar    = regexp.MustCompile(`\.debian\.tar\.[a-z0-9]+$`)
	anyTar       = regexp.MustCompile(`\.tar\.[a-z0-9]+$`)
)

// tarballs are the files of a source package that hold source.
func tarballs(locked recipes.LockedSource) []recipes.LockedFile {
	var files []recipes.LockedFile
	for _, f := range locked.Files {
		if anyTar.MatchString(f.Path) && !debianTar.MatchString(f.Path) {
			files = append(files, f)
		}
	}
	return files
}

func (f *Fetcher) fetchDebian(ctx context.Context, locked recipes.LockedSource) error {
	var files []archive.File
	for _, file := range locked.Files {
		files = append(files, archive.File{Archive: file.Archive, Path: file.Path, Size: file.Size, SHA256: file.SHA256})
	}
	return f.Archive.Fetch(ctx, files)
}

// debianEntries lays out a source package: upstream's tarball, each further
// component in its folder, and with patches the debian folder.
func (f *Fetcher) debianEntries(ctx context.Context, sp *spool.Spool, locked recipes.LockedSource, patches bool) ([]layer.Entry, error) {
	if err := f.fetchDebian(ctx, locked); err != nil {
		return nil, err
	}
	parts := map[string][]layer.Entry{}
	for _, file := range locked.Files {
		into, wanted, err := place(path.Base(file.Path), patches)
		if err != nil {
			return nil, err
		}
		if !wanted {
			continue
		}
		entries, err := f.archiveEntries(sp, file.SHA256)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file.Path, err)
		}
		parts[into] = strip(entries, nil)
	}
	if len(parts["/"]) == 0 {
		return nil, errors.New("the source package has no tarball of upstream")
	}
	return merge(parts), nil
}

// merge lays parts in their folders. What upstream's tarball has there gives
// way (dpkg-source(1), "Format: 3.0 (quilt)").
func merge(parts map[string][]layer.Entry) []layer.Entry {
	all := slices.DeleteFunc(parts["/"], func(e layer.Entry) bool {
		for into := range parts {
			if into != "/" && (e.Path == into || strings.HasPrefix(e.Path, into+"/")) {
				return true
			}
		}
		return false
	})
	for into, entries := range parts {
		for _, e := range entries {
			if into != "/" {
				e.Path = path.Join(into, e.Path)
				all = append(all, e)
			}
		}
	}
	return all // in no order: writing a layer sorts
}

// place says where in the tree a file of a source package is unpacked.
func place(name string, patches bool) (into string, wanted bool, err error) {
	if m := componentTar.FindStringSubmatch(name); m != nil {
		return "/" + m[1], true, nil
	}
	switch {
	case origTar.MatchString(name):
		return "/", true, nil
	case debianTar.MatchString(name):
		return "/debian", patches, nil
	case strings.HasSuffix(name, ".diff.gz"):
		if patches {
			return "", false, errors.New("its patches are one diff (source format 1.0), which kiln does not apply; use patches: false and a run step")
		}
		return "", false, nil
	case anyTar.MatchString(name): // a native package
		return "/", true, nil
	}
	return "", false, nil
}
