package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Limits on what an archive may unpack to.
const (
	maxEntries = 500_000
	maxBytes   = 8 << 30
)

// HostileError says that an archive holds an entry that must not be written.
type HostileError struct {
	Entry, Rule string
}

func (e *HostileError) Error() string {
	return fmt.Sprintf("refusing entry %q: %s", e.Entry, e.Rule)
}

// unpacked are the files of an archive, and the newest of their times.
type unpacked struct {
	entries []layer.Entry
	newest  int64
}

// unpack reads the tar (plain, gz, xz, bz2, zst) or zip file and keeps its
// files in sp. Which it is, its first bytes tell.
func unpack(file *os.File, sp *spool.Spool) (unpacked, error) {
	c := collector{spool: sp, kind: map[string]byte{}}
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return unpacked{}, err
	}
	if bytes.HasPrefix(head[:n], []byte("PK\x03\x04")) {
		err = c.zip(file)
	} else {
		err = c.compressedTar(file, head[:n])
	}
	return unpacked{entries: c.entries, newest: c.newest}, err
}

type collector struct {
	spool   *spool.Spool
	entries []layer.Entry
	kind    map[string]byte // by path
	newest  int64
	bytes   int64
}

func (c *collector) compressedTar(file io.Reader, head []byte) error {
	r, err := decompress(bufio.NewReaderSize(file, 1<<20), head)
	if err != nil {
		return err
	}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading tar: %w", err)
		}
		if err := c.tarEntry(h, t); err != nil {
			return err
		}
	}
}

func decompress(r io.Reader, head []byte) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return xz.NewReader(r, 64<<20)
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(r), nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(r, zstd.WithDecoderMaxMemory(1<<30))
	case len(head) == 512 && bytes.HasPrefix(head[257:], []byte("ustar")):
		return r, nil
	}
	return nil, errors.New("neither a tar (plain, gz, xz, bz2, zst) nor a zip file")
}

func (c *collector) tarEntry(h *tar.Header, r io.Reader) error {
	e := layer.Entry{Time: h.ModTime.Unix(), File: recipes.File{Type: h.Typeflag, Mode: mode(h.Mode), Linkname: h.Linkname}}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg, tar.TypeGNUSparse:
		e.Type = tar.TypeReg
	case tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
	default:
		return &HostileError{h.Name, "it is neither a file, a folder nor a link"}
	}
	return c.add(h.Name, e, r)
}

func (c *collector) zip(file *os.File) error {
	fi, err := file.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(file, fi.Size())
	if err != nil {
		return fmt.Errorf("reading zip: %w", err)
	}
	for _, f := range z.File {
		if err := c.zipEntry(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) zipEntry(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("reading zip: %s: %w", f.Name, err)
	}
	defer r.Close()
	e := layer.Entry{Time: f.Modified.Unix(), File: recipes.File{Type: tar.TypeReg, Mode: mode(int64(f.Mode().Perm()))}}
	switch m := f.Mode(); {
	case m.IsDir():
		e.Type = tar.TypeDir
	case m&os.ModeSymlink != 0:
		target, err := io.ReadAll(io.LimitReader(r, 4096))
		if err != nil {
			return err
		}
		e.Type, e.Linkname = tar.TypeSymlink, string(target)
	case !m.IsRegular():
		return &HostileError{f.Name, "it is neither a file, a folder nor a link"}
	}
	return c.add(f.Name, e, r)
}

// mode is 0755 for what anyone may execute and 0644 for the rest: what else a
// packer's umask left says nothing about the source.
func mode(m int64) int64 {
	if m&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

func (c *collector) add(name string, e layer.Entry, r io.Reader) error {
	p, err := c.check(name)
	if err != nil || p == "/" {
		return err
	}
	if len(c.entries) >= maxEntries {
		return &HostileError{name, fmt.Sprintf("the archive has over %d entries", maxEntries)}
	}
	e.Path = p
	switch e.Type {
	case tar.TypeDir:
		if c.kind[p] == tar.TypeDir {
			return nil
		}
		e.Mode = 0o755
	case tar.TypeSymlink:
		if !inside(p, e.Linkname) {
			return &HostileError{name, fmt.Sprintf("its target %q is outside the archive", e.Linkname)}
		}
	case tar.TypeLink:
		return c.hardlink(name, e)
	case tar.TypeReg:
		f, err := c.spool.Add(r, maxBytes-c.bytes)
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", name, err)
		}
		c.bytes += f.Size()
		e.Size, e.Open = f.Size(), f.Open
	}
	c.put(e)
	return nil
}

// put adds e; a later entry of one path takes an earlier one's place, as tar
// does.
func (c *collector) put(e layer.Entry) {
	if _, there := c.kind[e.Path]; there {
		c.entries = slices.DeleteFunc(c.entries, func(o layer.Entry) bool { return o.Path == e.Path })
	}
	c.kind[e.Path] = e.Type
	c.newest = max(c.newest, e.Time)
	c.entries = append(c.entries, e)
}

// hardlink makes a copy of an earlier file.
func (c *collector) hardlink(name string, e layer.Entry) error {
	target, err := c.check(e.Linkname)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.entries, func(o layer.Entry) bool { return o.Path == target && o.Type == tar.TypeReg })
	if i < 0 {
		return &HostileError{name, fmt.Sprintf("it links to %q, which is no earlier file of the archive", e.Linkname)}
	}
	o := c.entries[i]
	o.Path = e.Path
	c.put(o)
	return nil
}

// check returns the entry's clean absolute path.
func (c *collector) check(name string) (string, error) {
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", &HostileError{name, "its name is empty or has control characters"}
	case path.IsAbs(name):
		return "", &HostileError{name, "its path is absolute"}
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "", &HostileError{name, "its path has .. in it"}
	}
	p := path.Join("/", name)
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if k, ok := c.kind[dir]; ok && k != tar.TypeDir {
			return "", &HostileError{name, dir + " is not a folder"}
		}
	}
	return p, nil
}

// inside reports whether the target of a link at p stays below the root.
func inside(p, target string) bool {
	if path.IsAbs(target) || target == "" {
		return false
	}
	depth := strings.Count(p, "/") - 1
	for _, elem := range strings.Split(target, "/") {
		switch elem {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

// strip drops n leading elements of every path, and what has no more. Nil is
// 1 where all entries share one top folder, else 0.
func strip(entries []layer.Entry, n *int) []layer.Entry {
	count := 0
	if n != nil {
		count = *n
	} else if oneTop(entries) {
		count = 1
	}
	if count == 0 {
		return entries
	}
	var kept []layer.Entry
	for _, e := range entries {
		parts := strings.SplitN(e.Path[1:], "/", count+1)
		if len(parts) > count {
			e.Path = "/" + parts[count]
			kept = append(kept, e)
		}
	}
	return kept
}

func oneTop(entries []layer.Entry) bool {
	top := ""
	for _, e := range entries {
		first, _, below := strings.Cut(e.Path[1:], "/")
		if top == "" {
			top = first
		}
		if first != top || (!below && e.Type != tar.TypeDir) {
			return false
		}
	}
	return top != ""
}
