package failed

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// recordFile is the name of the file in a bundle that holds the step.
const recordFile = "failed.json"

// bundle is a file being written.
type bundle struct {
	w         *tar.Writer
	platform  string
	there     map[string]bool // blobs
	manifests []v1.Descriptor
}

// layerFile is a compressed layer in a temporary file without a name.
type layerFile struct {
	file         *os.File
	digest, diff v1.Hash
	size         int64
}

// layer packs the entries below the folder name, the first of which is h. It
// returns the entry after them, or io.EOF; without a layer, the error.
func (b *bundle) layer(name string, h *tar.Header, in *tar.Reader) (*layerFile, *tar.Header, error) {
	f, err := os.CreateTemp("", "kiln-failed-*")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	packed, plain := sha256.New(), sha256.New()
	z, err := zstd.NewWriter(io.MultiWriter(f, packed), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	out := tar.NewWriter(io.MultiWriter(z, plain))
	next, end := copyBelow(out, name, h, in)
	if end != nil && !errors.Is(end, io.EOF) {
		return nil, nil, errors.Join(end, f.Close())
	}
	if err := errors.Join(out.Close(), z.Close()); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return &layerFile{file: f, digest: sum(packed), diff: sum(plain), size: size}, next, end
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// copyBelow copies entries while they are below name, which is taken off.
func copyBelow(out *tar.Writer, name string, h *tar.Header, in *tar.Reader) (*tar.Header, error) {
	var err error
	for ; h != nil && err == nil; h, err = in.Next() {
		rest, ok := strings.CutPrefix(h.Name, name+"/")
		if !ok {
			return h, nil
		}
		h.Name = "./" + rest
		if h.Typeflag == tar.TypeLink {
			h.Linkname = strings.TrimPrefix(h.Linkname, name+"/")
		}
		h.Uname, h.Gname, h.Format = "", "", tar.FormatPAX
		if err := out.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.Copy(out, in); err != nil {
			return nil, err
		}
	}
	if h == nil && err == nil {
		err = io.EOF
	}
	return nil, err
}

// image writes the layer and an image that has it alone, and returns the
// image's digest.
func (b *bundle) image(l *layerFile) (string, error) {
	defer l.file.Close()
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if err := b.blob(l.digest, l.size, l.file); err != nil {
		return "", err
	}
	goos, arch, _ := strings.Cut(b.platform, "/")
	config, err := json.Marshal(v1.ConfigFile{OS: goos, Architecture: arch, RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{l.diff}}})
	if err != nil {
		return "", err
	}
	configDigest, err := b.bytes(config)
	if err != nil {
		return "", err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: configDigest, Size: int64(len(config))},
		Layers: []v1.Descriptor{{MediaType: types.OCILayerZStd, Digest: l.digest, Size: l.size}},
	})
	if err != nil {
		return "", err
	}
	digest, err := b.bytes(manifest)
	b.manifests = append(b.manifests, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: int64(len(manifest))})
	return digest.String(), err
}

func (b *bundle) bytes(data []byte) (v1.Hash, error) {
	h := sha256.New()
	h.Write(data)
	digest := sum(h)
	return digest, b.blob(digest, int64(len(data)), bytes.NewReader(data))
}

func (b *bundle) blob(digest v1.Hash, size int64, r io.Reader) error {
	if b.there[digest.Hex] {
		return nil
	}
	b.there[digest.Hex] = true
	return b.file("blobs/sha256/"+digest.Hex, size, r)
}

func (b *bundle) file(name string, size int64, r io.Reader) error {
	if err := b.w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	if _, err := io.Copy(b.w, r); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
