package bitwise

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/spool"
)

// maxLayer is what a layer may unpack to, in bytes.
const maxLayer = 16 << 30

// archive is a layer's tar, unpacked.
type archive struct {
	spool   *spool.Spool
	entries map[string]entry
	order   []string
	sum     string // of the uncompressed stream
}

type entry struct {
	header *tar.Header
	file   spool.File
	sum    [sha256.Size]byte
}

func (a *archive) close() { a.spool.Close() } //nolint:errcheck // nothing is lost

func open(l v1.Layer) (*archive, error) {
	rc, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	sp, err := spool.New("")
	if err != nil {
		return nil, err
	}
	a := &archive{spool: sp, entries: map[string]entry{}}
	if err := a.read(rc); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *archive) read(r io.Reader) error {
	whole := sha256.New()
	r = io.TeeReader(r, whole)
	left := int64(maxLayer)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		e := entry{header: h}
		if h.Typeflag == tar.TypeReg {
			sum := sha256.New()
			if e.file, err = a.spool.Add(io.TeeReader(t, sum), left); err != nil {
				return err
			}
			left -= e.file.Size()
			sum.Sum(e.sum[:0])
		}
		name := path.Join("/", h.Name) //nolint:gosec // extracted into no folder
		a.entries[name], a.order = e, append(a.order, name)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	a.sum = string(whole.Sum(nil))
	return nil
}

// archives compares two tars entry by entry.
func (c *comparison) archives(where string, a, b *archive) error {
	before := len(c.found)
	for _, name := range names(a.entries, b.entries) {
		l, inLeft := a.entries[name]
		r, inRight := b.entries[name]
		at := where + " " + name
		switch {
		case !inRight:
			c.add(at, "is in the first alone (%s)", describe(l))
		case !inLeft:
			c.add(at, "is in the second alone (%s)", describe(r))
		default:
			if err := c.entry(at, l, r); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if len(c.found) == before && !slices.Equal(a.order, b.order) {
		c.add(where, "the same entries in another order, from %s on", divergence(a.order, b.order))
	}
	return nil
}

func divergence(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return b[i]
		}
	}
	return "the end"
}

func describe(e entry) string {
	kind := map[byte]string{tar.TypeReg: "a file", tar.TypeDir: "a folder", tar.TypeSymlink: "a link", tar.TypeLink: "a hard link"}[e.header.Typeflag]
	if kind == "" {
		kind = "type " + strconv.QuoteRune(rune(e.header.Typeflag))
	}
	if e.header.Typeflag == tar.TypeReg {
		kind += fmt.Sprintf(" of %d bytes", e.header.Size)
	}
	return kind
}

// entry compares the fields of two headers, and what the files hold.
func (c *comparison) entry(where string, a, b entry) error {
	left, right := fields(a.header), fields(b.header)
	for _, k := range names(left, right) {
		if left[k] != right[k] {
			c.add(where, "tar header: %s is %s against %s", k, orNone(left[k]), orNone(right[k]))
		}
	}
	if a.header.Typeflag != tar.TypeReg || b.header.Typeflag != tar.TypeReg || a.sum == b.sum {
		return nil
	}
	known, err := c.programs(where, a.file, b.file)
	if known || err != nil {
		return err
	}
	first, count, err := firstDifference(a.file.ReaderAt(), b.file.ReaderAt())
	c.add(where, "content: %s", bytesDiffer(first, count, a.file.Size(), b.file.Size()))
	return err
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return clip(s)
}

func bytesDiffer(first, count, a, b int64) string {
	s := fmt.Sprintf("differs from byte %d on, %d bytes", first, count)
	if a != b {
		s += fmt.Sprintf("; %d bytes long against %d", a, b)
	}
	return s
}

// fields are all that a tar header says, by name.
func fields(h *tar.Header) map[string]string {
	f := map[string]string{
		"type": strconv.QuoteRune(rune(h.Typeflag)), "mode": fmt.Sprintf("%04o", h.Mode), "uid": strconv.Itoa(h.Uid), "gid": strconv.Itoa(h.Gid),
		"size": strconv.FormatInt(h.Size, 10), "time": h.ModTime.UTC().Format(time.RFC3339Nano), "link": h.Linkname,
		"user": h.Uname, "group": h.Gname, "format": h.Format.String(), "device": fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor),
	}
	if h.Name != "" && h.Name[0] == '/' {
		f["name"] = "absolute"
	}
	for k, v := range h.PAXRecords {
		f["record "+k] = strconv.Quote(v)
	}
	return f
}
