// Package language finds the components of language ecosystems among the files
// of a service: what package.json files, the metadata of wheels and eggs, and
// Java archives tell of themselves. The extractors of osv-scalibr read names
// and versions; licenses are read here.
//
// It looks at the files that it is given and at no others, and matches nothing
// against a lock or a database. What is linked into programs is the business
// of package sbom. Start at [Find].
package language

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/google/osv-scalibr/extractor/filesystem"

	"github.com/kiln-build/kiln/recipes"
)

// Component is one component of an ecosystem, as its metadata has it.
type Component struct {
	// Ecosystem is the type of its package URL: npm, pypi or maven.
	Ecosystem string
	// Name is as the ecosystem writes it: @scope/name for npm, group:artifact
	// for Maven.
	Name, Version string
	// License is what the metadata says, mostly an SPDX expression; empty
	// where it says nothing.
	License string
	// Author is who the metadata says made it: a name, perhaps with an
	// address in angle brackets.
	Author string
	// Path is the file that tells of the component.
	Path string
	// Dir is the folder that holds the component and nothing else but its own
	// dependencies; empty where there is none.
	Dir string
	// Files are its files by absolute path, where the metadata lists them.
	Files []string
	// Whole says that the file at Path is the component, Inside that it holds
	// the component with others.
	Whole, Inside bool
}

// Unread is metadata of a component that says less than its name and version.
type Unread struct {
	Path string
	Err  error
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.Closer
}

// FaultReader keeps the first error of reading that is not the file's end, so
// that a fault of the disk is not taken for content that makes no sense.
type FaultReader struct {
	io.ReaderAt
	Fault error
}

// ReadAt implements io.ReaderAt.
func (r *FaultReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) && r.Fault == nil {
		r.Fault = err
	}
	return n, err
}

// Find returns the components that files tell of, in the order of the files.
// The error is about files that cannot be read; metadata that makes no sense
// is the second result.
func Find(ctx context.Context, files []recipes.File, open func(path string) (File, error)) ([]Component, []Unread, error) {
	f, err := newFinder(open)
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		look := f.looks(file)
		if look == nil {
			continue
		}
		if err := f.at(ctx, file, look); err != nil {
			return nil, nil, fmt.Errorf("reading components of %s: %w", file.Path, err)
		}
	}
	return f.found, f.unread, nil
}

type finder struct {
	open       func(path string) (File, error)
	extractors map[string]filesystem.Extractor // by ecosystem
	found      []Component
	unread     []Unread
}

// look reads the components of one file.
type look func(ctx context.Context, file recipes.File, r *io.SectionReader) ([]Component, error)

// looks is how to read a file; nil for most.
func (f *finder) looks(file recipes.File) look {
	if file.Type != tar.TypeReg {
		return nil
	}
	switch api := (fileAPI{file}); {
	case f.extractors[npm].FileRequired(api):
		return f.npm
	case f.extractors[pypi].FileRequired(api):
		return f.python
	case f.extractors[maven].FileRequired(api):
		return f.java
	}
	return nil
}

// maxFile bounds what is read of one file. Nothing that has a place in an
// image comes near it.
const maxFile = 4 << 30

func (f *finder) at(ctx context.Context, file recipes.File, read look) error {
	if file.Size > maxFile {
		return fmt.Errorf("it has %d bytes, at most %d are read", file.Size, int64(maxFile))
	}
	at, err := f.open(file.Path)
	if err != nil {
		return err
	}
	defer at.Close()
	r := &FaultReader{ReaderAt: at}
	found, err := read(ctx, file, io.NewSectionReader(r, 0, file.Size))
	switch {
	case r.Fault != nil:
		return r.Fault
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		f.unread = append(f.unread, Unread{file.Path, err})
	}
	f.found = append(f.found, found...)
	return nil
}

// extract has an extractor read a file.
func (f *finder) extract(ctx context.Context, ecosystem string, file recipes.File, r io.Reader) ([]named, error) {
	in := &filesystem.ScanInput{Path: strings.TrimPrefix(file.Path, "/"), Info: info{file}, Reader: r}
	inventory, err := f.extractors[ecosystem].Extract(ctx, in)
	var all []named
	for _, p := range inventory.Packages {
		all = append(all, named{p.Name, p.Version})
	}
	return all, err
}

type named struct{ name, version string }

// fileAPI is a file as extractors ask for it before they read it.
type fileAPI struct{ file recipes.File }

// Path implements filesystem.FileAPI.
func (a fileAPI) Path() string { return strings.TrimPrefix(a.file.Path, "/") }

// Stat implements filesystem.FileAPI.
func (a fileAPI) Stat() (fs.FileInfo, error) { return info(a), nil }

// info is what fs.FileInfo tells of a file.
type info struct{ file recipes.File }

func (i info) Name() string       { return path.Base(i.file.Path) }
func (i info) Size() int64        { return i.file.Size }
func (i info) Mode() fs.FileMode  { return fs.FileMode(i.file.Mode).Perm() } //nolint:gosec // permission bits
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
