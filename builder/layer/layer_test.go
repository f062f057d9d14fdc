package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/recipes"
)

var update = flag.Bool("update", false, "write the golden files anew")

func newStore(t testing.TB) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}

func file(p string, content []byte) Entry {
	return Entry{
		Time: 1700000000, Open: open(content),
		File: recipes.File{Path: p, Type: tar.TypeReg, Mode: 0o644, Size: int64(len(content)), Owner: "service"},
	}
}

func other(p string, kind byte, mode int64) Entry {
	return Entry{Time: 1700000000, File: recipes.File{Path: p, Type: kind, Mode: mode, Owner: "base"}}
}

// noise is n bytes that compress a little, the same each time.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(40)) //nolint:gosec // below 40
	}
	return b
}

// samples has an entry of every kind, and files around the size of a block.
func samples() []Entry {
	link := other("/lib", tar.TypeSymlink, 0o777)
	link.Linkname = "usr/lib"
	capable := file("/usr/bin/ping", []byte("ping"))
	capable.Mode, capable.Capability = 0o755, "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	null := other("/dev/null", tar.TypeChar, 0o666)
	null.Devmajor, null.Devminor = 1, 3
	owned := other("/home/nonroot", tar.TypeDir, 0o750)
	owned.UID, owned.GID = 65532, 65532
	big := 3_000_000_000
	far := other("/home/far", tar.TypeDir, 0o750)
	far.UID = big
	return []Entry{
		link, capable, null, owned, far, other("/run/pipe", tar.TypeFifo, 0o600), other("/tmp", tar.TypeDir, 0o1777),
		file("/etc/empty", nil), file("/etc/nächtlich", []byte("ü\n")), file("/"+strings.Repeat("long/", 60)+"name", []byte("x")),
		file("/a", noise(blockSize-2048)), file("/b", noise(blockSize)), file("/c", noise(3*blockSize+17)), file("/a-b", []byte("between")),
	}
}

func write(t testing.TB, store *blobs.Store, entries []Entry, c Compression) *Layer {
	t.Helper()
	l, err := Write(store, entries, c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestGolden fails when the bytes of layers change. Then kiln's build format
// must change as well (builder/image.Format).
// `go test ./builder/layer -run Golden -update` writes the file anew.
func TestGolden(t *testing.T) {
	store := newStore(t)
	zip, plain := write(t, store, samples(), Gzip), write(t, store, samples(), None)
	got := fmt.Sprintf("gzip %s %d\ndiff %s\nnone %s %d\n", zip.Blob, zip.Bytes, zip.Diff, plain.Blob, plain.Bytes)
	golden := filepath.Join("testdata", "golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil { // for the repository
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
	if zip.Diff != plain.Blob || plain.Diff != plain.Blob {
		t.Errorf("diff ids %s and %s, want both %s", zip.Diff, plain.Diff, plain.Blob)
	}
}

func TestOrderAndProcessorsDoNotMatter(t *testing.T) {
	store := newStore(t)
	want := write(t, store, samples(), Gzip)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range 25 {
		runtime.GOMAXPROCS(1 + i%4)
		entries := samples()
		rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] }) //nolint:gosec // any order will do
		got := write(t, store, entries, Gzip)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Layer{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestPackerIsStandardGzip reads what the packer wrote with the standard
// library, for streams that end around a block's end.
func TestPackerIsStandardGzip(t *testing.T) {
	for _, n := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 4*blockSize + 5} {
		want := noise(n)
		var b bytes.Buffer
		p := newPacker(&b)
		for rest := want; len(rest) > 0; { // in odd pieces
			k := min(len(rest), 77777)
			if _, err := p.Write(rest[:k]); err != nil {
				t.Fatal(err)
			}
			rest = rest[k:]
		}
		sum, err := p.finish()
		if err != nil {
			t.Fatal(err)
		}
		if h := sha256.Sum256(want); sum != hex.EncodeToString(h[:]) {
			t.Errorf("%d bytes: got sha256 %s, want %x", n, sum, h)
		}
		z, err := gzip.NewReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		got, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: read %d bytes back, %v", n, len(got), err)
		}
		if b.Len() != 0 {
			t.Errorf("%d bytes: %d bytes follow the gzip member", n, b.Len())
		}
	}
}

type fullDisk struct{ left int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

func TestPackerSaysThatTheDiskIsFull(t *testing.T) {
	for _, left := range []int{0, 5000, 3 * blockSize} {
		p := newPacker(&fullDisk{left})
		if _, err := p.Write(noise(12 * blockSize)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.finish(); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("with room for %d bytes: got %v, want no space left", left, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	short, long, none := file("/f", []byte("four")), file("/f", []byte("four")), file("/f", nil)
	short.Size, long.Size, none.Open = 3, 5, nil
	broken := file("/f", []byte("four"))
	broken.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	for _, c := range []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"twice", []Entry{file("/f", nil), other("/f", tar.TypeDir, 0o755)}, "/f is there twice: from"},
		{"content too long", []Entry{short}, "write too long"},
		{"content too short", []Entry{long}, "content is 4 bytes, want 5"},
		{"no content", []Entry{none}, "no content"},
		{"unreadable", []Entry{broken}, "/f: gone"},
		{"relative", []Entry{file("f", nil)}, "not absolute and clean"},
		{"dots", []Entry{file("/a/../f", nil)}, "not absolute and clean"},
		{"slash at the end", []Entry{other("/a/", tar.TypeDir, 0o755)}, "not absolute and clean"},
		{"root", []Entry{other("/", tar.TypeDir, 0o755)}, "or is the root"},
		{"hard link", []Entry{other("/f", tar.TypeLink, 0o644)}, "no place in a layer"},
	} {
		for _, how := range []Compression{Gzip, None} {
			dir := t.TempDir()
			store, err := blobs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Write(store, c.entries, how); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
			for _, left := range []string{"ingest/*", "blobs/sha256/*"} {
				if m, _ := filepath.Glob(filepath.Join(dir, left)); len(m) > 0 {
					t.Errorf("%s: left behind: %v", c.name, m)
				}
			}
		}
	}
}

// TestReadBack reads a layer as its consumers do.
func TestReadBack(t *testing.T) {
	l := write(t, newStore(t), samples(), Gzip)
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string]*tar.Header{}
	last := ""
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || h.ModTime.Unix() != 1700000000 {
			t.Errorf("%s is of %q:%q at %v", h.Name, h.Uname, h.Gname, h.ModTime)
		}
		if n := "/" + strings.TrimSuffix(h.Name, "/"); n <= last {
			t.Errorf("%s comes after %s", n, last)
		} else {
			last = n
		}
		got[h.Name] = h
	}
	if h := got["dev/null"]; h.Typeflag != tar.TypeChar || h.Devmajor != 1 || h.Devminor != 3 {
		t.Errorf("dev/null is %c %d,%d", h.Typeflag, h.Devmajor, h.Devminor)
	}
	if c := got["usr/bin/ping"].PAXRecords[CapabilityRecord]; len(c) != 20 || c[0] != 1 {
		t.Errorf("the capabilities of ping are %q", c)
	}
	if h := got["home/far/"]; h.Uid != 3_000_000_000 {
		t.Errorf("home/far belongs to %d", h.Uid)
	}
	if h := got["tmp/"]; h.Mode != 0o1777 {
		t.Errorf("tmp has mode %o", h.Mode)
	}
}

func TestFilesAreHashed(t *testing.T) {
	l := write(t, newStore(t), []Entry{file("/f", []byte("abc")), other("/d", tar.TypeDir, 0o755)}, Gzip)
	want := []recipes.File{
		{Path: "/d", Type: tar.TypeDir, Mode: 0o755, Owner: "base"},
		{
			Path: "/f", Type: tar.TypeReg, Mode: 0o644, Size: 3, Owner: "service",
			SHA1:   "a9993e364706816aba3e25717850c26c9cd0d89d", // FIPS 180-4, the example "abc"
			SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		},
	}
	if diff := cmp.Diff(want, l.Files); diff != "" {
		t.Error(diff)
	}
	e := file("/f", []byte("abc"))
	if err := Hash(&e); err != nil || e.SHA1 != want[1].SHA1 || e.SHA256 != want[1].SHA256 {
		t.Errorf("Hash: got %s %s, %v", e.SHA1, e.SHA256, err)
	}
}

// TestIsALayer holds Layer against the contract of v1.Layer.
func TestIsALayer(t *testing.T) {
	store := newStore(t)
	for _, c := range []Compression{Gzip, None} {
		l := write(t, store, samples(), c)
		if err := validate.Layer(l); err != nil && c == Gzip {
			t.Error(err)
		}
		if size, err := l.Size(); err != nil || size != l.Bytes {
			t.Errorf("size is %d, %v", size, err)
		}
	}
}

func TestParents(t *testing.T) {
	entries := []Entry{file("/usr/lib/a/b/f", nil), file("/usr/lib/a/g", nil), other("/opt", tar.TypeDir, 0o700), file("/opt/x", nil)}
	var got []string
	for _, e := range Parents(entries, "base", 7, func(p string) bool { return p == "/usr" }) {
		got = append(got, e.Path)
		if e.Type != tar.TypeDir || e.Mode != 0o755 || e.Time != 7 || e.Owner != "base" {
			t.Errorf("got %+v", e)
		}
	}
	if diff := cmp.Diff([]string{"/usr/lib/a/b", "/usr/lib/a", "/usr/lib"}, got); diff != "" {
		t.Error(diff)
	}
}

type seekable struct{ *bytes.Reader }

func (seekable) Close() error { return nil }

func TestReaderAt(t *testing.T) {
	stream, random := file("/f", []byte("hello")), file("/f", []byte("hello"))
	random.Open = func() (io.ReadCloser, error) { return seekable{bytes.NewReader([]byte("hello"))}, nil }
	for _, e := range []Entry{stream, random} {
		at, done, err := ReaderAt(e)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 3)
		if _, err := at.ReadAt(b, 2); err != nil || string(b) != "llo" {
			t.Errorf("got %q, %v", b, err)
		}
		done()
	}
	e := stream
	e.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	if _, _, err := ReaderAt(e); err == nil {
		t.Error("no error where the file cannot be opened")
	}
}

func TestImage(t *testing.T) {
	store := newStore(t)
	a := write(t, store, []Entry{file("/a", []byte("a"))}, None)
	b := write(t, store, []Entry{file("/b", []byte("b"))}, Gzip)
	img, err := Image(v1.Platform{OS: "linux", Architecture: "arm64"}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	got := []types.MediaType{m.MediaType, m.Config.MediaType, m.Layers[0].MediaType, m.Layers[1].MediaType}
	want := []types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCIUncompressedLayer, types.OCILayer}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	elsewhere := newStore(t)
	digest, err := Store(elsewhere, img)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []v1.Hash{digest, m.Config.Digest, a.Blob, b.Blob} {
		if !elsewhere.Has(hash.Hex, -1) {
			t.Errorf("%s was not stored", hash)
		}
	}
	c, err := img.ConfigFile()
	if err != nil || c.OS != "linux" || c.Architecture != "arm64" {
		t.Errorf("config is for %s/%s, %v", c.OS, c.Architecture, err)
	}
}

// BenchmarkWrite is a program of 20 MB, such as a service in Go is.
func BenchmarkWrite(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	raw, err := os.ReadFile(self)
	if err != nil {
		b.Fatal(err)
	}
	content := bytes.Repeat(raw, 1+20_000_000/len(raw))[:20_000_000]
	for _, c := range []Compression{Gzip, None} {
		b.Run(map[Compression]string{Gzip: "gzip", None: "none"}[c], func(b *testing.B) {
			store := newStore(b)
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				write(b, store, []Entry{file("/usr/bin/service", content)}, c)
			}
		})
	}
}
