// Package blobs is kiln's content-addressed cache: files named by the sha256
// of what they hold, in the layout of an OCI blob store, shared by all builds
// of a user and by every kiln process at once.
//
// A blob is there whole or not at all: it is written to a temporary file,
// checked, and renamed. The package does not download; callers bring a
// reader. Start at [Open].
package blobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Store is a folder of blobs. Its layout, blobs/sha256/HEX, is that of an OCI
// image layout (image-spec, image-layout.md, "Blobs").
type Store struct {
	root string
}

// Open returns the store in the folder root, which it makes where missing.
func Open(root string) (*Store, error) {
	for _, d := range []string{"blobs/sha256", "ingest"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return nil, fmt.Errorf("opening blob cache: %w", err)
		}
	}
	return &Store{root: root}, nil
}

// Root is the store's folder.
func (s *Store) Root() string { return s.root }

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Path is where the blob with the sha256 digest hexsum is, or would be.
// It panics where hexsum is not 64 lower-case hex digits.
func (s *Store) Path(hexsum string) string {
	if !hexDigest.MatchString(hexsum) {
		panic("blobs: not a sha256 digest: " + hexsum)
	}
	return filepath.Join(s.root, "blobs", "sha256", hexsum)
}

// Has reports whether the blob is there with the given size in bytes; a
// negative size is not compared.
func (s *Store) Has(hexsum string, size int64) bool {
	got, ok := s.Size(hexsum)
	return ok && (size < 0 || got == size)
}

// Size is that of the blob in bytes, if it is there.
func (s *Store) Size(hexsum string) (int64, bool) {
	if !hexDigest.MatchString(hexsum) {
		return 0, false
	}
	fi, err := os.Stat(s.Path(hexsum))
	if err != nil {
		return 0, false
	}
	return fi.Size(), true
}

// Put stores what r yields. Where want is not empty the content must have that
// sha256, else nothing is kept and the error says what came instead. It
// returns the digest and the size.
func (s *Store) Put(r io.Reader, want string) (hexsum string, size int64, err error) {
	w, err := s.Writer()
	if err != nil {
		return "", 0, err
	}
	defer w.Close() //nolint:errcheck // removes what was not committed
	if _, err := io.Copy(w, r); err != nil {
		return "", 0, err
	}
	return w.Commit(want)
}

// Writer takes the bytes of a blob whose digest is not known yet.
type Writer struct {
	store *Store
	file  *os.File
	hash  interface {
		io.Writer
		Sum([]byte) []byte
	}
	size int64
}

// Writer returns a writer of a new blob. Close it in every case; what was not
// committed by then is removed.
func (s *Store) Writer() (*Writer, error) {
	f, err := os.CreateTemp(filepath.Join(s.root, "ingest"), "blob-*")
	if err != nil {
		return nil, fmt.Errorf("writing to blob cache: %w", err)
	}
	return &Writer{store: s, file: f, hash: sha256.New()}, nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.hash.Write(p[:n]) //nolint:errcheck // a hash never fails
	w.size += int64(n)
	return n, err
}

// Commit puts the blob in its place. Where want is not empty and differs from
// the content's sha256, nothing is kept.
func (w *Writer) Commit(want string) (hexsum string, size int64, err error) {
	hexsum = hex.EncodeToString(w.hash.Sum(nil))
	if want != "" && want != hexsum {
		return "", 0, &MismatchError{Want: want, Got: hexsum, Size: w.size}
	}
	if err := w.file.Chmod(0o644); err != nil {
		return "", 0, fmt.Errorf("writing to blob cache: %w", err)
	}
	if err := w.file.Close(); err != nil {
		return "", 0, fmt.Errorf("writing to blob cache: %w", err)
	}
	if err := os.Rename(w.file.Name(), w.store.Path(hexsum)); err != nil {
		return "", 0, fmt.Errorf("writing to blob cache: %w", err)
	}
	return hexsum, w.size, nil
}

// Close removes the blob unless it was committed.
func (w *Writer) Close() error {
	w.file.Close()
	os.Remove(w.file.Name()) //nolint:errcheck // gone after Commit
	return nil
}

// MismatchError says that content had another digest than it must have.
type MismatchError struct {
	Want, Got string
	Size      int64
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("sha256 is %s, want %s (%d bytes)", e.Got, e.Want, e.Size)
}
