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
	// freeBytes is what any archive may unpack to. Beyond it, maxRatio is how
	// many bytes one packed byte may become; real sources reach 20.
	freeBytes = 256 << 20
	maxRatio  = 200
	maxLink   = 4096
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
	fi, err := file.Stat()
	if err != nil {
		return unpacked{}, err
	}
	c := collector{spool: sp, at: map[string]int{}, folders: map[string]bool{}, left: min(maxBytes, max(freeBytes, fi.Size()*maxRatio))}
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return unpacked{}, err
	}
	if bytes.HasPrefix(head[:n], []byte("PK\x03\x04")) {
		err = c.zip(file, fi.Size())
	} else {
		err = c.compressedTar(file, head[:n])
	}
	return unpacked{entries: c.entries, newest: c.newest}, err
}

type collector struct {
	spool   *spool.Spool
	entries []layer.Entry
	at      map[string]int  // index in entries, by path
	folders map[string]bool // that entries are in
	newest  int64
	seen    int   // entries, those that others replaced among them
	left    int64 // bytes that may come yet
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
		// One decoder starts no goroutines, so there is nothing to close. The
		// window is the largest that zstd's own program accepts unasked.
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	case len(head) == 512 && bytes.HasPrefix(head[257:], []byte("ustar")):
		return r, nil
	}
	return nil, errors.New("neither a tar (plain, gz, xz, bz2, zst) nor a zip file")
}

func (c *collector) tarEntry(h *tar.Header, r io.Reader) error {
	e := layer.Entry{Time: h.ModTime.Unix(), File: recipes.File{Type: h.Typeflag, Mode: mode(h.Mode), Linkname: h.Linkname}}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return c.count(h.Name)
	case tar.TypeReg, tar.TypeGNUSparse:
		e.Type = tar.TypeReg
	case tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
	default:
		return &HostileError{h.Name, "it is neither a file, a folder nor a link"}
	}
	return c.add(h.Name, e, r)
}

func (c *collector) zip(file io.ReaderAt, size int64) error {
	z, err := zip.NewReader(file, size)
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
		target, err := io.ReadAll(io.LimitReader(r, maxLink+1))
		if err != nil {
			return fmt.Errorf("reading zip: %s: %w", f.Name, err)
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

// count refuses an entry too many.
func (c *collector) count(name string) error {
	if c.seen++; c.seen > maxEntries {
		return &HostileError{name, fmt.Sprintf("the archive has over %d entries", maxEntries)}
	}
	return nil
}

// grow refuses a byte too many.
func (c *collector) grow(name string, n int64) error {
	if c.left -= n; c.left < 0 {
		return &HostileError{name, "the archive unpacks to too much"}
	}
	return nil
}

func (c *collector) add(name string, e layer.Entry, r io.Reader) error {
	if err := c.count(name); err != nil {
		return err
	}
	p, err := c.check(name)
	if err != nil {
		return err
	}
	if p == "/" {
		if e.Type != tar.TypeDir {
			return &HostileError{name, "the root is not a folder"}
		}
		return nil
	}
	e.Path = p
	switch e.Type {
	case tar.TypeDir:
		e.Mode = 0o755
	case tar.TypeSymlink:
		e.Mode = 0o777
		if err := c.checkLink(name, p, e.Linkname); err != nil {
			return err
		}
	case tar.TypeLink:
		return c.hardlink(name, e)
	case tar.TypeReg:
		if err := c.content(name, &e, r); err != nil {
			return err
		}
	}
	return c.put(name, e)
}

func (c *collector) content(name string, e *layer.Entry, r io.Reader) error {
	f, err := c.spool.Add(r, c.left)
	if errors.Is(err, spool.ErrLimit) {
		return c.grow(name, c.left+1)
	}
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", name, err)
	}
	e.Size, e.Open, e.Linkname = f.Size(), f.Open, ""
	return c.grow(name, f.Size())
}

// put adds e. A later entry of one path takes an earlier one's place, as tar
// does; but nothing takes the place of a folder that others are in.
func (c *collector) put(name string, e layer.Entry) error {
	i, there := c.at[e.Path]
	switch {
	case e.Type != tar.TypeDir && c.folders[e.Path]:
		return &HostileError{name, "it is in the place of a folder"}
	case there:
		c.entries[i] = e
	default:
		c.at[e.Path] = len(c.entries)
		c.entries = append(c.entries, e)
	}
	for dir := path.Dir(e.Path); dir != "/" && !c.folders[dir]; dir = path.Dir(dir) {
		c.folders[dir] = true
	}
	c.newest = max(c.newest, e.Time)
	return nil
}

// hardlink makes a copy of an earlier file or link. A copy counts in full:
// else a small archive would make a large layer.
func (c *collector) hardlink(name string, e layer.Entry) error {
	target, err := c.check(e.Linkname)
	if err != nil {
		return err
	}
	i, ok := c.at[target]
	if !ok || c.entries[i].Type == tar.TypeDir {
		return &HostileError{name, fmt.Sprintf("it links to %q, which is no earlier file of the archive", e.Linkname)}
	}
	o := c.entries[i]
	if o.Type == tar.TypeSymlink {
		if err := c.checkLink(name, e.Path, o.Linkname); err != nil {
			return err
		}
	}
	if err := c.grow(name, o.Size); err != nil {
		return err
	}
	o.Path = e.Path
	return c.put(name, o)
}

// check returns the entry's clean absolute path.
func (c *collector) check(name string) (string, error) {
	switch {
	case name == "" || hasControl(name):
		return "", &HostileError{name, "its name is empty or has control characters"}
	case path.IsAbs(name):
		return "", &HostileError{name, "its path is absolute"}
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "", &HostileError{name, "its path has .. in it"}
	}
	p := path.Join("/", name)
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if i, ok := c.at[dir]; ok && c.entries[i].Type != tar.TypeDir {
			return "", &HostileError{name, dir + " is not a folder"}
		}
	}
	return p, nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (c *collector) checkLink(name, p, target string) error {
	switch {
	case len(target) > maxLink || hasControl(target):
		return &HostileError{name, "its target is too long or has control characters"}
	case !inside(p, target):
		return &HostileError{name, fmt.Sprintf("its target %q is outside the archive", target)}
	}
	return nil
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

// contained refuses links that lead out once leading path elements are
// dropped.
func contained(entries []layer.Entry) error {
	for _, e := range entries {
		if e.Type == tar.TypeSymlink && !inside(e.Path, e.Linkname) {
			return &HostileError{e.Path[1:], fmt.Sprintf("its target %q is outside the source", e.Linkname)}
		}
	}
	return nil
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
