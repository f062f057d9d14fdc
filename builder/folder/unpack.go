package folder

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Limits on what an archive may unpack to.
const (
	maxBytes   = 8 << 30
	maxEntries = 500_000
)

func memory(text []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(text)) }

// Unpack writes the archive's files below the folder dir, and none elsewhere.
// Only within local sources there may be links.
func Unpack(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpacking local sources: %w", err)
	}
	defer root.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("unpacking local sources: %w", err)
	}
	left := int64(maxBytes)
	t := tar.NewReader(z)
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n == maxEntries {
			err = fmt.Errorf("there are more than %d entries", maxEntries)
		}
		if err == nil {
			left -= h.Size
			err = write(root, h, t, left)
		}
		if err != nil {
			return fmt.Errorf("unpacking local sources: %w", err)
		}
	}
}

func write(root *os.Root, h *tar.Header, content io.Reader, left int64) error {
	name := path.Clean(h.Name)
	if left < 0 {
		return fmt.Errorf("they are more than %d bytes", int64(maxBytes))
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		// Elsewhere somebody may write or read what lies at a name of ours.
		if parts := strings.SplitN(name, "/", 3); len(parts) < 3 || parts[0] != Sources {
			return fmt.Errorf("%s is a link, and in no local source", name)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
	default:
		return fmt.Errorf("%s is neither file nor link", name)
	}
	mode := fs.FileMode(0o644)
	if h.Mode&0o100 != 0 {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(content, h.Size))
	return errors.Join(err, f.Chmod(mode), f.Close())
}
