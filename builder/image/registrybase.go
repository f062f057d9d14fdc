package image

import (
	"archive/tar"
	"fmt"
	"path"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

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
	entries, err := layer.Read(r, sp, recipes.OwnerImage, maxBase)
	if err != nil {
		return fmt.Errorf("reading base image: %w", err)
	}
	return a.adopt(entries)
}

// adopt hashes the base image's files and takes them as they are.
func (a *assembly) adopt(entries []layer.Entry) error {
	for _, e := range entries {
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
