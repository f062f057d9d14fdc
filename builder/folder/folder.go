// Package folder keeps what a recipe takes from its own folder and nobody else
// has: the local sources, and the files of structure tests. It is one archive,
// which is stored beside the image, so that who has the image can build it
// again.
//
// Nothing in it is trusted: who unpacks it compares the digests of the trees
// with those of a provenance that verifies. Start at [Pack] and [Unpack].
package folder

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// Sources is the folder of an archive that holds the local sources, each below
// its index in the recipe; Recipe the one of what lies beside the recipe.
const (
	Sources = "sources"
	Recipe  = "recipe"
)

// ErrSecret says that a file of a local source must not be given to everyone
// who has the image.
var ErrSecret = errors.New("it holds a private key")

// Pack stores the archive of r in store. It is nil where r takes nothing from
// its folder. Trees are the digests of the local sources by index, which the
// files must still have. The error wraps [ErrSecret] where a file holds a
// private key. The same files make the same archive.
func Pack(ctx context.Context, r *recipes.Recipe, trees map[int]string, store *blobs.Store) (*layer.Layer, error) {
	var entries []layer.Entry
	for i, s := range r.Sources {
		if s.Local == nil {
			continue
		}
		dir := filepath.Join(filepath.Dir(r.File), s.Local.Path)
		files, err := recipes.Local(dir, s.Local.Ignore)
		if err != nil {
			return nil, err
		}
		switch got, err := recipes.TreeDigest(ctx, dir, files); {
		case err != nil:
			return nil, err
		case got != trees[i]:
			return nil, fmt.Errorf("keeping %s: it changed during the build; build again", dir)
		}
		for _, f := range files {
			entries = append(entries, entry(dir, SourceFolder(i), f))
		}
	}
	entries = append(entries, structureTests(r)...)
	if len(entries) == 0 {
		return nil, nil
	}
	for _, e := range entries {
		secret, err := image.HoldsPrivateKey(e)
		if err != nil {
			return nil, fmt.Errorf("keeping %s: %w", e.Path, err)
		}
		if secret {
			return nil, fmt.Errorf("%s: %w", e.Path, ErrSecret)
		}
	}
	return layer.Write(store, entries, layer.Gzip)
}

// SourceFolder is where an archive has the local source with the index.
func SourceFolder(i int) string { return path.Join(Sources, strconv.Itoa(i)) }

func entry(dir, below string, f recipes.TreeFile) layer.Entry {
	e := layer.Entry{File: recipes.File{
		Path: path.Join("/", below, f.Path), Type: tar.TypeReg, Mode: int64(f.Mode.Perm()), Size: f.Size, Owner: below,
	}}
	if f.Mode&fs.ModeSymlink != 0 {
		e.Type, e.Linkname = tar.TypeSymlink, f.Target
		return e
	}
	e.Open = func() (io.ReadCloser, error) { return os.OpenInRoot(dir, filepath.FromSlash(f.Path)) }
	return e
}

// structureTests are the files that tests of r stand in, as they were read.
func structureTests(r *recipes.Recipe) []layer.Entry {
	var entries []layer.Entry
	seen := map[string]bool{}
	for _, t := range r.Tests {
		name := path.Clean(t.StructureTest)
		if t.StructureTest == "" || seen[name] {
			continue
		}
		seen[name] = true
		text := t.StructureText
		entries = append(entries, layer.Entry{
			File: recipes.File{Path: path.Join("/", Recipe, name), Type: tar.TypeReg, Mode: 0o644, Size: int64(len(text)), Owner: Recipe},
			Open: func() (io.ReadCloser, error) { return memory(text), nil },
		})
	}
	return entries
}
