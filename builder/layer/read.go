package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Read reads a tar stream to its end: entries by absolute path, in the
// stream's order and without the root itself, all of the owner. What files
// hold, no more than limit bytes together, is kept in sp. Hard links stay
// links, whose Linkname is as the stream has it.
func Read(r io.Reader, sp *spool.Spool, owner string, limit int64) ([]Entry, error) {
	var entries []Entry
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// Who writes the stream waits until the padding after its end is read.
			_, err := io.Copy(io.Discard, r)
			return entries, err
		}
		if err != nil {
			return nil, err
		}
		e := Entry{Time: h.ModTime.Unix(), File: recipes.File{
			Path: path.Join("/", h.Name), //nolint:gosec // cleaned, and extracted into no folder
			Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Linkname: h.Linkname, Owner: owner,
		}, Capability: h.PAXRecords[CapabilityRecord], Devmajor: h.Devmajor, Devminor: h.Devminor}
		if h.Typeflag == tar.TypeReg {
			f, err := sp.Add(t, limit)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.Path, err)
			}
			limit -= f.Size()
			e.Size, e.Open = f.Size(), f.Open
		}
		if e.Path != "/" {
			entries = append(entries, e)
		}
	}
}
