package builder

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/patternmatcher"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// fetched is the layer that a fetch's folder becomes, written while the engine
// exports it: in the order that it comes, which is that of the names, with no
// owners and one time.
type fetched struct {
	blob  *blobs.Writer
	epoch int64
	read  *io.PipeReader
	write *io.PipeWriter
	done  chan error // nil until something is read
	exit  int
}

func newFetched(store *blobs.Store, epoch int64) (*fetched, error) {
	blob, err := store.Writer()
	if err != nil {
		return nil, err
	}
	f := &fetched{blob: blob, epoch: epoch, exit: -1}
	f.read, f.write = io.Pipe()
	return f, nil
}

// pipe is where the engine's tar stream goes.
func (f *fetched) pipe() io.WriteCloser {
	done := make(chan error, 1)
	f.done = done
	go func() {
		err := f.rewrite()
		f.read.CloseWithError(err)
		done <- err
		close(done)
	}()
	return f.write
}

// wait returns the exit code of the command, once all is written.
func (f *fetched) wait() (int, error) {
	if f.done == nil {
		return 0, errors.New("it exported nothing")
	}
	f.write.Close() //nolint:errcheck // always nil; the exporter closed it already
	if err := <-f.done; err != nil {
		return 0, err
	}
	if f.exit < 0 {
		return 0, errors.New("the command's exit code is missing")
	}
	return f.exit, nil
}

func (f *fetched) commit() (layer.Layer, error) {
	hexsum, size, err := f.blob.Commit("")
	return layer.Uncompressed(v1.Hash{Algorithm: "sha256", Hex: hexsum}, size), err
}

func (f *fetched) close() {
	f.write.CloseWithError(io.ErrClosedPipe)
	if f.done != nil {
		<-f.done //nolint:errcheck // what is of no use any more
	}
	f.blob.Close() //nolint:errcheck // removes what was not committed
}

// rewrite copies the tar stream.
func (f *fetched) rewrite() error {
	buffer := bufio.NewWriterSize(f.blob, 1<<20)
	w := tar.NewWriter(buffer)
	left := int64(maxArtifacts)
	for t := tar.NewReader(f.read); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("it is over the limit of %d bytes", int64(maxArtifacts))
		}
		if err := f.copy(w, h, t); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	// The padding after the end must be read as well, or the engine waits.
	if _, err := io.Copy(io.Discard, f.read); err != nil {
		return err
	}
	return errors.Join(w.Close(), buffer.Flush())
}

func (f *fetched) copy(w *tar.Writer, h *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(path.Join("/", h.Name), "/") //nolint:gosec // cleaned, and extracted into no folder
	switch {
	case name == "":
		return nil
	case name == exitFile && h.Typeflag == tar.TypeReg:
		return f.readExit(content)
	case h.Typeflag == tar.TypeDir:
		name += "/"
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink && h.Typeflag != tar.TypeLink:
		return fmt.Errorf("an entry of type %q has no place among fetched files", h.Typeflag)
	}
	clean := &tar.Header{
		Typeflag: h.Typeflag, Name: name, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode & 0o777,
		ModTime: time.Unix(f.epoch, 0).UTC(), Format: tar.FormatPAX,
	}
	if err := w.WriteHeader(clean); err != nil {
		return err
	}
	_, err := io.Copy(w, content)
	return err
}

func (f *fetched) readExit(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, 16))
	if err != nil {
		return err
	}
	f.exit, err = strconv.Atoi(strings.TrimSpace(string(b)))
	return err
}

// seenFiles is a digest of the files that one of the patterns matches, as
// BuildKit matches them.
func seenFiles(files []recipes.File, patterns []string) (string, error) {
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return "", fmt.Errorf("reading what to fetch: %w", err)
	}
	h := sha256.New()
	for _, f := range files {
		ok, err := m.MatchesOrParentMatches(strings.TrimPrefix(f.Path, "/"))
		if err != nil {
			return "", fmt.Errorf("reading what to fetch: %w", err)
		}
		if ok && f.Type != tar.TypeDir {
			writeSeen(h, f)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeSeen adds what a fetch sees of a file to a hash.
func writeSeen(w io.Writer, f recipes.File) {
	fmt.Fprintf(w, "%q %c %o %q %s\n", f.Path, f.Type, f.Mode&0o777, f.Linkname, f.SHA256)
}
