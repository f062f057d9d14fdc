package main

import (
	"archive/tar"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

// told is what an image does not say of itself and a build knows.
type told struct {
	// Recipe is the recipe's file, beside its lock.
	Recipe     string
	Repository string
	Version    string            // kiln's
	Owners     map[string]string // of files and links, by path
}

// describe writes the SPDX document of the image in an OCI layout to a file, as
// kiln build makes it. But it begins where syft begins: it unpacks the layers and hashes
// every file first, which a build has done when it comes to the document.
func describe(ctx context.Context, folder, toldFile, to string) error {
	text, err := os.ReadFile(toldFile)
	if err != nil {
		return err
	}
	var t told
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	img, err := onlyImage(folder)
	if err != nil {
		return err
	}
	all, done, err := unpack(img)
	if err != nil {
		return err
	}
	defer done()
	in, err := t.input(img, all)
	if err != nil {
		return err
	}
	doc, _, err := sbom.Describe(ctx, in)
	if err != nil {
		return err
	}
	if text, err = sbom.Marshal(doc); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// input is what the document is written from.
func (t told) input(img v1.Image, all entries) (in sbom.Input, err error) {
	in = sbom.Input{Platform: nativePlatform, Repository: t.Repository, Version: t.Version, Content: &recipes.Content{}, Open: all.open}
	if in.Recipe, err = recipes.Load(t.Recipe); err != nil {
		return in, err
	}
	if in.Lock, err = recipes.ReadLock(in.Recipe.LockPath()); err != nil {
		return in, err
	}
	if in.Digest, err = img.Digest(); err != nil {
		return in, err
	}
	if in.Tools, err = builder.BuildPackages(in.Recipe, in.Platform); err != nil {
		return in, err
	}
	for p, e := range all {
		e.Owner = cmp.Or(t.Owners[p], recipes.OwnerBase)
		in.Content.Files = append(in.Content.Files, e.File)
	}
	in.Content.Packages, err = all.installed(in.Lock)
	return in, err
}

// open opens a file of the image.
func (all entries) open(p string) (sbom.File, error) {
	e, ok := all[p]
	if !ok || e.Type != tar.TypeReg {
		return nil, fmt.Errorf("opening %s: %w", p, fs.ErrNotExist)
	}
	at, done, err := layer.ReaderAt(e)
	return file{at, done}, err
}

// file is an open file of an image.
type file struct {
	io.ReaderAt
	done func()
}

// Close implements io.Closer.
func (f file) Close() error {
	f.done()
	return nil
}

// installed are the Debian packages that have an entry in dpkg's status.d.
func (all entries) installed(lock *recipes.Lock) ([]recipes.Installed, error) {
	locked, err := lock.For(nativePlatform)
	if err != nil {
		return nil, err
	}
	packages := slices.Concat(locked.Image, locked.Build)
	var list []recipes.Installed
	for p := range all {
		name, ok := strings.CutPrefix(p, "/var/lib/dpkg/status.d/")
		if !ok {
			continue
		}
		i := slices.IndexFunc(packages, func(p recipes.Package) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("the lock has no package %s", name)
		}
		status := all.text(p)
		list = append(list, recipes.Installed{
			Package: packages[i], Copyright: all.text("/usr/share/doc/" + name + "/copyright"),
			Maintainer: line(status, "Maintainer: "), Homepage: line(status, "Homepage: "), Description: line(status, "Description: "),
		})
	}
	return list, nil
}

// text is the content of a file, empty where there is none.
func (all entries) text(p string) string {
	f, err := all.open(p)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, all[p].Size))
	if err != nil {
		return ""
	}
	return string(b)
}

// line is the rest of the first line that begins with key.
func line(text, key string) string {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, key); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
