package archive

import (
	"archive/tar"
	"io"
	"path"
	"strings"
)

// Limits of what one package may unpack to. Debian's largest is some 5 GB.
const (
	maxEntries   = 500_000
	maxFileSize  = 4 << 30
	maxTotalSize = 16 << 30
	maxNameSize  = 4096
	// maxRatio is how many bytes one packed byte may become, once there are
	// more than freeSize: debug symbols and tables of zeros reach 60.
	maxRatio = 300
	freeSize = 256 << 20
)

// ruleError is the rule that an entry breaks.
type ruleError string

func (e ruleError) Error() string { return string(e) }

// entryCheck decides about the entries of one archive in turn.
type entryCheck struct {
	// seen is the type of every entry so far, by clean name.
	seen map[string]byte
	// parents are the folders that entries so far are in.
	parents map[string]bool
	total   int64
}

// entry checks h against all rules and cleans its names. It leaves the header
// as it is where it refuses it.
func (c *entryCheck) entry(h *tar.Header) error {
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	link, err := c.link(name, h)
	if err != nil {
		return err
	}
	if err := c.place(name, h); err != nil {
		return err
	}
	if err := c.size(h); err != nil {
		return err
	}
	c.seen[name] = h.Typeflag
	h.Name, h.Linkname = name, link
	return nil
}

// cleanName returns the relative path that name stands for.
func cleanName(name string) (string, error) {
	switch {
	case name == "":
		return "", ruleError("name is empty")
	case len(name) > maxNameSize:
		return "", ruleError("name is too long")
	case hasControl(name):
		return "", ruleError("name has a control character")
	case name[0] == '/':
		return "", ruleError("path is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", ruleError("path has ..")
		}
	}
	return path.Clean(name), nil
}

func hasControl(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c == 0x7f {
			return true
		}
	}
	return false
}

// link checks the entry's type and where it leads if it is a link.
func (c *entryCheck) link(name string, h *tar.Header) (string, error) {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir:
		return "", nil
	case tar.TypeSymlink:
		return h.Linkname, checkSymlink(name, h.Linkname)
	case tar.TypeLink:
		target, err := cleanName(h.Linkname)
		if err != nil {
			return "", ruleError("hard link: " + err.Error())
		}
		if c.seen[target] != tar.TypeReg {
			return "", ruleError("hard link to what is not a file of the package before it")
		}
		return target, nil
	case tar.TypeChar, tar.TypeBlock:
		return "", ruleError("device node")
	case tar.TypeFifo:
		return "", ruleError("named pipe")
	}
	return "", ruleError("type is neither file, folder nor link")
}

// checkSymlink refuses a target above the root. An absolute one is taken from
// the root that the package is unpacked in.
func checkSymlink(name, target string) error {
	switch {
	case target == "":
		return ruleError("link has no target")
	case len(target) > maxNameSize:
		return ruleError("link target is too long")
	case hasControl(target):
		return ruleError("link target has a control character")
	}
	depth := strings.Count(name, "/")
	if target[0] == '/' {
		depth = 0
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return ruleError("link leads out of the root")
		}
	}
	return nil
}

// place refuses an entry that is there already, or is below what is not a
// folder: a link made earlier would lead the writer elsewhere.
func (c *entryCheck) place(name string, h *tar.Header) error {
	if name == "." && h.Typeflag != tar.TypeDir {
		return ruleError("root is not a folder")
	}
	if _, twice := c.seen[name]; twice {
		return ruleError("entry occurs twice")
	}
	if c.parents[name] && h.Typeflag != tar.TypeDir {
		return ruleError("it is in the place of a folder")
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		c.parents[dir] = true
		if kind, ok := c.seen[dir]; ok && kind != tar.TypeDir {
			return ruleError("it is below " + dir + ", which is not a folder")
		}
	}
	return nil
}

func (c *entryCheck) size(h *tar.Header) error {
	if len(c.seen) >= maxEntries {
		return ruleError("too many entries")
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	c.total += h.Size
	if h.Size < 0 || h.Size > maxFileSize || c.total > maxTotalSize {
		return ruleError("too large")
	}
	return nil
}

// tally counts what is read through it.
type tally struct {
	r io.Reader
	n int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	return n, err
}

// bounded ends a stream that grows beyond all measure. It looks at what comes
// out of the decoder, whatever the headers in it say.
type bounded struct {
	r      io.Reader
	packed *tally
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxTotalSize+maxEntries*2*maxNameSize {
		return 0, ruleError("archive is too large")
	}
	if b.n > freeSize && b.n/maxRatio > b.packed.n {
		return 0, ruleError("archive unpacks to more than 300 times its size")
	}
	return n, err
}
