package source

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// LocalDigest is the digest of the files of a local source below dir, without
// those that it ignores.
func LocalDigest(ctx context.Context, src recipes.LocalSource, dir string) (string, error) {
	root := filepath.Join(dir, src.Path)
	files, err := recipes.Local(root, src.Ignore)
	if err != nil {
		return "", err
	}
	return recipes.TreeDigest(ctx, root, files)
}

// localEntries are the files of a local source. They are opened below the
// folder, however it changes meanwhile.
func localEntries(dir string, ignore []string) ([]layer.Entry, error) {
	files, err := recipes.Local(dir, ignore)
	if err != nil {
		return nil, err
	}
	entries := make([]layer.Entry, 0, len(files))
	for _, f := range files {
		e := layer.Entry{File: recipes.File{Path: path.Join("/", f.Path), Type: tar.TypeReg, Mode: int64(f.Mode.Perm()), Size: f.Size}}
		if f.Mode&fs.ModeSymlink != 0 {
			e.Type, e.Linkname = tar.TypeSymlink, f.Target
		} else {
			e.Open = func() (io.ReadCloser, error) { return os.OpenInRoot(dir, filepath.FromSlash(f.Path)) }
		}
		entries = append(entries, e)
	}
	return entries, nil
}
