package archive

import (
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// maxDict is the largest dictionary a decoder may ask memory for: that of
// xz -9.
const maxDict = 64 << 20

func newXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxDict) }

// decompress returns the plain bytes of a member of a .deb by the end of its
// name (deb(5)). Close frees the decoder.
func decompress(name string, r io.Reader) (io.ReadCloser, error) {
	_, ext, _ := strings.Cut(name, ".tar")
	switch ext {
	case "":
		return io.NopCloser(r), nil
	case ".gz":
		return gzip.NewReader(r)
	case ".xz":
		z, err := newXZ(r)
		return io.NopCloser(z), err
	case ".bz2":
		return io.NopCloser(bzip2.NewReader(r)), nil
	case ".zst":
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(maxDict),
			zstd.WithDecoderMaxWindow(maxDict), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("compression %q is not known", ext)
}

// readLimited reads all of r and fails where it yields more than limit bytes.
// hint is how many bytes are expected.
func readLimited(r io.Reader, limit int64, hint int) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, hint+bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return b.Bytes(), err
}
