package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"time"
)

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
	if err := t.addFile("var/lib/dpkg/available", nil); err != nil {
		return err
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
	return t.addFileMode(name, content, 0o644)
}

func (t *rootTree) addFileMode(name string, content []byte, mode int64) error {
	if t.nodes[name] != nil {
		return nil
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
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
