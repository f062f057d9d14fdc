package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// WriteRootTar writes the root file system in which dpkg can run to install
// the very packages it is made of, and others: the data of the .debs in the
// files named by debs, merged, sorted by path, with the owners and modes of
// the packages and every time set to epoch seconds; /usr is merged whether the
// packages know of it or not. dpkg's database in it is empty, for no
// maintainer script has run.
//
// Debs are those of a [Resolution] that are marked Essential. The same debs in
// any order give the same bytes. Documentation is left out, as it is by
// [InstallCommand], which installs packages in the result.
func WriteRootTar(w io.Writer, debs []string, epoch int64) error {
	spool, err := os.CreateTemp("", "kiln-root-*")
	if err != nil {
		return fmt.Errorf("making the bootstrap root: %w", err)
	}
	defer spool.Close()           //nolint:errcheck // a scratch file
	defer os.Remove(spool.Name()) //nolint:errcheck // a scratch file
	tree := rootTree{spool: spool, nodes: map[string]*rootNode{}}
	if err := tree.addDebs(slices.Sorted(slices.Values(debs))); err != nil {
		return fmt.Errorf("making the bootstrap root: %w", err)
	}
	if err := tree.addSystem(); err != nil {
		return fmt.Errorf("making the bootstrap root: %w", err)
	}
	if err := tree.write(w, time.Unix(epoch, 0)); err != nil {
		return fmt.Errorf("writing the bootstrap root: %w", err)
	}
	return nil
}

// rootTree is the merged file system; its files' content is in spool.
type rootTree struct {
	spool *os.File
	size  atomic.Int64 // of what is in spool, or will be
	nodes map[string]*rootNode
}

type rootNode struct {
	header *tar.Header
	from   string
	at     int64 // of the content in spool
}

// addDebs unpacks packages side by side and merges them in their order.
func (t *rootTree) addDebs(names []string) error {
	unpacked := make([][]*rootNode, len(names))
	errs := make([]error, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			unpacked[i], errs[i] = t.unpack(name)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, n := range slices.Concat(unpacked...) {
		if err := t.add(n); err != nil {
			return err
		}
	}
	return nil
}

// unpack puts the files of a package in spool.
func (t *rootTree) unpack(name string) ([]*rootNode, error) {
	d, file, err := OpenDebFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // opened for reading
	var nodes []*rootNode
	err = d.Files(func(h *tar.Header, r io.Reader) error {
		h.Name = mergedUsr(h.Name, h.Typeflag)
		if isDocumentation(h.Name) {
			return nil
		}
		if h.Typeflag == tar.TypeLink {
			h.Linkname = mergedUsr(h.Linkname, tar.TypeReg)
		}
		n, err := t.store(h, d.name, r)
		nodes = append(nodes, n)
		return err
	})
	return nodes, err
}

// store puts the content of an entry in spool.
func (t *rootTree) store(h *tar.Header, from string, r io.Reader) (*rootNode, error) {
	n := &rootNode{header: h, from: from}
	if h.Typeflag != tar.TypeReg {
		return n, nil
	}
	n.at = t.size.Add(h.Size) - h.Size
	_, err := io.Copy(io.NewOffsetWriter(t.spool, n.at), r)
	return n, err
}

// mergedUsr returns where a path of an unmerged package is in a system with
// merged /usr. The links in the root themselves stay.
func mergedUsr(name string, kind byte) string {
	top, rest, below := strings.Cut(name, "/")
	switch top {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		if below || kind == tar.TypeDir {
			return path.Join("usr", top, rest)
		}
	}
	return name
}

// add puts an entry in the tree. Packages share folders, and nothing else.
func (t *rootTree) add(n *rootNode) error {
	old, ok := t.nodes[n.header.Name]
	if ok && !same(old.header, n.header) {
		return fmt.Errorf("%s and %s both have /%s", old.from, n.from, n.header.Name)
	}
	if !ok {
		t.nodes[n.header.Name] = n
	}
	return nil
}

func same(a, b *tar.Header) bool {
	if a.Typeflag != b.Typeflag {
		return false
	}
	return a.Typeflag == tar.TypeDir || (a.Typeflag == tar.TypeSymlink && a.Linkname == b.Linkname)
}

// addSystem adds what no package holds and dpkg or a maintainer script needs
// before the first package is configured.
func (t *rootTree) addSystem() error {
	for _, dir := range []string{
		"dev", "proc", "sys", "run", "root", "tmp", "etc", "var/tmp",
		"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers",
		"var/lib/dpkg/parts", "var/lib/dpkg/alternatives", "var/cache", "var/log",
	} {
		t.addFolder(dir)
	}
	for _, name := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available"} {
		if err := t.addFile(name, nil); err != nil {
			return err
		}
	}
	for _, name := range []string{"passwd", "group"} {
		b, err := t.read("usr/share/base-passwd/" + name + ".master")
		if err == nil {
			err = t.addFile("etc/"+name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addFolder adds a folder and those it is in, where they are missing.
func (t *rootTree) addFolder(name string) {
	mode := int64(0o755)
	switch name {
	case "tmp", "var/tmp":
		mode = 0o1777
	case "root":
		mode = 0o700
	}
	for ; name != "."; name = path.Dir(name) {
		if t.nodes[name] == nil {
			t.nodes[name] = &rootNode{header: &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}}
		}
		mode = 0o755
	}
}

// addFile adds a file unless a package has it.
func (t *rootTree) addFile(name string, content []byte) error {
	if t.nodes[name] != nil {
		return nil
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}
	n, err := t.store(h, "kiln", bytes.NewReader(content))
	if err != nil {
		return err
	}
	return t.add(n)
}

// read returns the content of a file of the tree.
func (t *rootTree) read(name string) ([]byte, error) {
	n := t.nodes[name]
	if n == nil || n.header.Typeflag != tar.TypeReg {
		return nil, errors.New("the packages hold no file /" + name)
	}
	return io.ReadAll(io.NewSectionReader(t.spool, n.at, n.header.Size))
}

// write writes the tree, folders before what is in them and hard links after
// what they link to.
func (t *rootTree) write(w io.Writer, epoch time.Time) error {
	for _, n := range t.nodes {
		t.addFolder(path.Dir(n.header.Name))
	}
	names := slices.Sorted(maps.Keys(t.nodes))
	out := tar.NewWriter(w)
	for _, links := range []bool{false, true} {
		for _, name := range names {
			if n := t.nodes[name]; (n.header.Typeflag == tar.TypeLink) == links {
				if err := t.writeNode(out, n, epoch); err != nil {
					return err
				}
			}
		}
	}
	return out.Close()
}

func (t *rootTree) writeNode(out *tar.Writer, n *rootNode, epoch time.Time) error {
	h := &tar.Header{
		Typeflag: n.header.Typeflag, Name: n.header.Name, Linkname: n.header.Linkname,
		Size: n.header.Size, Mode: n.header.Mode & 0o7777, Uid: n.header.Uid, Gid: n.header.Gid,
		ModTime: epoch, Format: tar.FormatPAX,
	}
	switch h.Typeflag {
	case tar.TypeDir:
		h.Name += "/"
	case tar.TypeReg:
	default:
		h.Size = 0
	}
	if err := out.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	_, err := io.Copy(out, io.NewSectionReader(t.spool, n.at, h.Size))
	return err
}
