package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
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
// packages know of it or not. In dpkg's database in it the packages are
// unpacked and not configured, for no maintainer script has run:
// [ConfigureCommand] does that.
//
// Debs are those of a [Resolution] that are marked Essential. The same debs in
// any order give the same bytes. Documentation is left out, as it is by
// [InstallCommand], which installs packages in the result.
func WriteRootTar(w io.Writer, debs []string, epoch int64) error {
	spool, err := os.CreateTemp("", "kiln-root-*")
	if err != nil {
		return fmt.Errorf("making the bootstrap root: %w", err)
	}
	defer spool.Close()
	defer os.Remove(spool.Name()) //nolint:errcheck // a scratch file
	tree := rootTree{spool: spool, nodes: map[string]*rootNode{}}
	if err := tree.addDebs(slices.Sorted(slices.Values(debs))); err != nil {
		return fmt.Errorf("making the bootstrap root: %w", err)
	}
	if err := errors.Join(tree.addDatabase(tree.databases), tree.addSystem()); err != nil {
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
	// databases are the packages' parts of dpkg's database.
	databases []*database
}

type rootNode struct {
	header *tar.Header
	from   string
	at     int64 // of the content in spool
}

// addDebs unpacks packages side by side and merges them in their order.
func (t *rootTree) addDebs(names []string) error {
	unpacked := make([][]*rootNode, len(names))
	t.databases = make([]*database, len(names))
	errs := make([]error, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			unpacked[i], t.databases[i], errs[i] = t.unpack(name)
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
func (t *rootTree) unpack(name string) ([]*rootNode, *database, error) {
	d, file, err := OpenDebFile(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	db, err := newDatabase(d)
	if err != nil {
		return nil, nil, err
	}
	var nodes []*rootNode
	err = d.Files(func(h *tar.Header, r io.Reader) error {
		db.list = append(db.list, "/"+h.Name)
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
	return nodes, db, err
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
