// Package layer writes OCI image layers that are the same bytes for the same
// entries, on any machine: sorted, with no names of users and no clock. It
// hashes every file once, while the layer is written, and keeps the layer as a
// blob of the cache.
//
// It does not decide what belongs into a layer: it writes devices and setuid
// programs as well. Start at [Write].
package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // SPDX 2.3 section 8.4 demands SHA1 beside SHA256
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/recipes"
)

// Entry is one entry of a layer to be written. Of File, SHA1 and SHA256 are
// filled in by Write.
type Entry struct {
	recipes.File
	// Time is the entry's modification time in seconds since 1970.
	Time int64
	// Capability is the value of the file's security.capability attribute
	// (capabilities(7), "File capabilities"); empty where it has none.
	Capability string
	// Devmajor and Devminor are the numbers of a device node.
	Devmajor, Devminor int64
	// Open yields the content of a regular file, Size bytes. Of others it is
	// nil.
	Open func() (io.ReadCloser, error)
}

// CapabilityRecord is the PAX record of a file's capabilities.
const CapabilityRecord = "SCHILY.xattr.security.capability"

// Compression says how a layer's tar is stored.
type Compression int

const (
	// Gzip is what every registry and runtime reads.
	Gzip Compression = iota
	// None is for layers that only a local engine reads.
	None
)

// Layer is a written layer. It implements v1.Layer.
type Layer struct {
	// Blob is the digest and Diff the digest of the uncompressed tar.
	Blob v1.Hash `json:"blob"`
	Diff v1.Hash `json:"diff"`
	// Bytes is the size of the blob.
	Bytes int64 `json:"bytes"`
	// Type is the layer's media type.
	Type types.MediaType `json:"type"`
	// Files are the entries, by path, with their hashes.
	Files []recipes.File `json:"files"`

	store *blobs.Store
}

// Uncompressed is the layer whose blob, of so many bytes, is the tar itself.
func Uncompressed(blob v1.Hash, size int64) Layer {
	return Layer{Blob: blob, Diff: blob, Bytes: size, Type: types.OCIUncompressedLayer}
}

// In returns l as a layer whose blob is in store.
func (l Layer) In(store *blobs.Store) *Layer {
	l.store = store
	return &l
}

// Digest implements v1.Layer.
func (l *Layer) Digest() (v1.Hash, error) { return l.Blob, nil }

// DiffID implements v1.Layer.
func (l *Layer) DiffID() (v1.Hash, error) { return l.Diff, nil }

// Size implements v1.Layer.
func (l *Layer) Size() (int64, error) { return l.Bytes, nil }

// MediaType implements v1.Layer.
func (l *Layer) MediaType() (types.MediaType, error) { return l.Type, nil }

// Compressed implements v1.Layer.
func (l *Layer) Compressed() (io.ReadCloser, error) { return os.Open(l.store.Path(l.Blob.Hex)) }

// Uncompressed implements v1.Layer.
func (l *Layer) Uncompressed() (io.ReadCloser, error) {
	f, err := l.Compressed()
	if err != nil || l.Type == types.OCIUncompressedLayer {
		return f, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", l.Blob, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

// Write stores a layer of the entries. Entries are sorted by path; two of one
// path, and paths that are not absolute and clean, are errors.
func Write(store *blobs.Store, entries []Entry, c Compression) (*Layer, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	w, err := newWriter(store, c)
	if err != nil {
		return nil, err
	}
	defer w.close()
	for i, e := range entries {
		if i > 0 && entries[i-1].Path == e.Path {
			return nil, fmt.Errorf("writing layer: %s is there twice: from %s and from %s", e.Path, entries[i-1].Owner, e.Owner)
		}
		if err := w.add(e); err != nil {
			return nil, fmt.Errorf("writing layer: %s: %w", e.Path, err)
		}
	}
	return w.finish(store)
}

// Parents returns the entries for folders that the entries' paths need and
// neither entries nor have hold, owned by root and by owner.
func Parents(entries []Entry, owner string, time int64, have func(path string) bool) []Entry {
	seen := map[string]bool{"/": true}
	for _, e := range entries {
		seen[e.Path] = true
	}
	var parents []Entry
	for _, e := range entries {
		for dir := path.Dir(e.Path); !seen[dir] && !have(dir); dir = path.Dir(dir) {
			seen[dir] = true
			parents = append(parents, Entry{Time: time, File: recipes.File{
				Path: dir, Type: tar.TypeDir, Mode: 0o755, Owner: owner,
			}})
		}
	}
	return parents
}

type writer struct {
	blob   *blobs.Writer
	buffer *bufio.Writer
	pack   *packer // nil without compression
	tar    *tar.Writer
	layer  Layer
}

func newWriter(store *blobs.Store, c Compression) (*writer, error) {
	blob, err := store.Writer()
	if err != nil {
		return nil, err
	}
	w := &writer{blob: blob, buffer: bufio.NewWriterSize(blob, 1<<20)}
	w.layer.Type = types.OCIUncompressedLayer
	var out io.Writer = w.buffer
	if c == Gzip {
		w.layer.Type = types.OCILayer
		w.pack = newPacker(w.buffer)
		out = w.pack
	}
	w.tar = tar.NewWriter(out)
	return w, nil
}

// close frees what finish has not.
func (w *writer) close() {
	if w.pack != nil {
		w.pack.stop() //nolint:errcheck // it is of no use any more
	}
	w.blob.Close() //nolint:errcheck // nothing is lost
}

func (w *writer) add(e Entry) error {
	if path.Clean(e.Path) != e.Path || !path.IsAbs(e.Path) || e.Path == "/" {
		return errors.New("path is not absolute and clean, or is the root")
	}
	h := &tar.Header{
		Typeflag: e.Type, Name: strings.TrimPrefix(e.Path, "/"), Linkname: e.Linkname,
		Mode: e.Mode, Uid: e.UID, Gid: e.GID, ModTime: time.Unix(e.Time, 0).UTC(),
		Format: tar.FormatPAX,
	}
	switch e.Type {
	case tar.TypeReg:
		h.Size = e.Size
	case tar.TypeDir:
		h.Name += "/"
	case tar.TypeSymlink, tar.TypeFifo:
	case tar.TypeChar, tar.TypeBlock:
		h.Devmajor, h.Devminor = e.Devmajor, e.Devminor
	default:
		return fmt.Errorf("entries of type %q have no place in a layer", e.Type)
	}
	if e.Capability != "" {
		h.PAXRecords = map[string]string{CapabilityRecord: e.Capability}
	}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	if e.Type == tar.TypeReg {
		if err := hashInto(w.tar, &e); err != nil {
			return err
		}
	}
	w.layer.Files = append(w.layer.Files, e.File)
	return nil
}

// Hash fills in the digests of a regular file by reading it.
func Hash(e *Entry) error {
	if e.Type != tar.TypeReg {
		return nil
	}
	return hashInto(io.Discard, e)
}

func hashInto(w io.Writer, e *Entry) error {
	if e.Open == nil {
		return errors.New("file has no content, not even an empty one")
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	s1, s256 := sha1.New(), sha256.New() //nolint:gosec // see the import
	n, err := io.Copy(io.MultiWriter(w, s1, s256), r)
	if err != nil {
		return err
	}
	if n != e.Size {
		return fmt.Errorf("content is %d bytes, want %d", n, e.Size)
	}
	e.SHA1, e.SHA256 = hex.EncodeToString(s1.Sum(nil)), hex.EncodeToString(s256.Sum(nil))
	return nil
}

func (w *writer) finish(store *blobs.Store) (*Layer, error) {
	if err := w.tar.Close(); err != nil {
		return nil, fmt.Errorf("writing layer: %w", err)
	}
	var diff string
	if w.pack != nil {
		var err error
		if diff, err = w.pack.finish(); err != nil {
			return nil, fmt.Errorf("writing layer: %w", err)
		}
	}
	if err := w.buffer.Flush(); err != nil {
		return nil, fmt.Errorf("writing layer: %w", err)
	}
	hexsum, size, err := w.blob.Commit("")
	if err != nil {
		return nil, err
	}
	w.layer.Blob = v1.Hash{Algorithm: "sha256", Hex: hexsum}
	w.layer.Diff = v1.Hash{Algorithm: "sha256", Hex: cmp.Or(diff, hexsum)}
	w.layer.Bytes = size
	w.layer.store = store
	return &w.layer, nil
}

// ReaderAt reads the content of a regular file at any place: from where it
// lies, else from memory. Call done after the last read.
func ReaderAt(e Entry) (at io.ReaderAt, done func(), err error) {
	r, err := e.Open()
	if err != nil {
		return nil, nil, err
	}
	if at, ok := r.(io.ReaderAt); ok {
		return at, func() { r.Close() }, nil
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return bytes.NewReader(b), func() {}, err
}
