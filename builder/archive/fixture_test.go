package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/kiln-build/kiln/builder/archive/archivetest"
	"github.com/kiln-build/kiln/builder/blobs"
)

// testNow is the time of all test archives.
var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testKey makes a signing key of 2025 that lasts for the given time.
func testKey(t testing.TB, life time.Duration) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Archive", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(life.Seconds()),
		Time: func() time.Time { return testNow.AddDate(-1, 0, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func publicKey(t testing.TB, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func clearSign(t testing.TB, key *openpgp.Entity, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, key.PrivateKey, &packet.Config{Time: func() time.Time { return testNow.Add(-time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fakeArchive is a mirror of a small archive on 127.0.0.1.
type fakeArchive struct {
	*httptest.Server
	key *openpgp.Entity

	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int
	// answer, where it returns true, has answered the request itself.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newArchive(t testing.TB) *fakeArchive {
	a := &fakeArchive{key: testKey(t, 0), files: map[string][]byte{}, asked: map[string]int{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *fakeArchive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked[r.URL.Path]++
	b, ok := a.files[r.URL.Path]
	answer := a.answer
	a.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", testNow.Add(-time.Hour), bytes.NewReader(b))
}

func (a *fakeArchive) set(path string, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[path] = b
}

func (a *fakeArchive) count(substring string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for p, c := range a.asked {
		if strings.Contains(p, substring) {
			n += c
		}
	}
	return n
}

// releaseText is the signed part of an InRelease with the indexes given.
func releaseText(suite string, indexes map[string][]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Origin: Debian\nSuite: %s\nCodename: %s\nDate: %s\nValid-Until: %s\nAcquire-By-Hash: yes\n",
		suite, suite, testNow.Add(-time.Hour).Format(time.RFC1123), testNow.AddDate(0, 0, 7).Format(time.RFC1123))
	b.WriteString("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\nComponents: main\nSHA256:\n")
	for name, content := range indexes {
		fmt.Fprintf(&b, " %s %d %s\n", hashOf(string(content)), len(content), name)
	}
	return b.String()
}

// publish puts a suite on the mirror.
func (a *fakeArchive) publish(t testing.TB, archive, suite, packages, sources string) {
	t.Helper()
	indexes := map[string][]byte{}
	for name, text := range map[string]string{"main/binary-amd64/Packages": packages, "main/source/Sources": sources} {
		packed := archivetest.XZ([]byte(text))
		indexes[name], indexes[name+".xz"] = []byte(text), packed
		dir := name[:strings.LastIndex(name, "/")+1]
		a.set("/"+archive+"/dists/"+suite+"/"+dir+"by-hash/SHA256/"+hashOf(string(packed)), packed)
	}
	a.set("/"+archive+"/dists/"+suite+"/InRelease", clearSign(t, a.key, releaseText(suite, indexes)))
}

// publishAll publishes the suites of the release "trixie". The keys are the
// suites' names without "trixie".
func (a *fakeArchive) publishAll(t testing.TB, packages map[string]string) {
	t.Helper()
	for _, m := range family("trixie") {
		a.publish(t, m.archive, m.suite, packages[strings.TrimPrefix(m.suite, "trixie")], "")
	}
}

func (a *fakeArchive) config(t testing.TB) Config {
	t.Helper()
	dir := t.TempDir()
	cache, err := blobs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Mirrors: map[string][]string{Debian: {a.URL + "/debian"}, Security: {a.URL + "/debian-security/"}},
		Keyring: publicKey(t, a.key), Cache: cache, IndexDir: dir,
		Now: func() time.Time { return testNow },
	}
}

func (a *fakeArchive) client(t testing.TB) *Client {
	t.Helper()
	return newClient(t, a.config(t))
}

func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return c
}

// stanza is an entry of a Packages index for a package that is not there.
func stanza(name, version string, fields ...string) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: pool/main/%s_%s.deb\nSize: 1\nSHA256: %s\n%s\n",
		name, version, name, version, hashOf(name+version), strings.Join(append(fields, ""), "\n"))
}

// debEntry is an entry of a test package; its Size is that of body.
type debEntry struct {
	tar.Header
	body string
}

func file(name, body string) debEntry {
	return debEntry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, body}
}

func folder(name string) debEntry {
	return debEntry{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}, ""}
}

func symlink(name, target string) debEntry {
	return debEntry{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}, ""}
}

func hardlink(name, target string) debEntry {
	return debEntry{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target, Mode: 0o644}, ""}
}

func node(name string, kind byte) debEntry {
	return debEntry{tar.Header{Name: name, Typeflag: kind, Mode: 0o644}, ""}
}

func tarOf(t testing.TB, entries []debEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		h.Size, h.ModTime = int64(len(e.body)), testNow
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, e.body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// makeDeb makes a .deb; data is the member's bytes under its name.
func makeDeb(t testing.TB, control, dataName string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(arMagic)
	arWrite(&b, "debian-binary", []byte("2.0\n"))
	arWrite(&b, "control.tar.gz", gzipped(tarOf(t, []debEntry{folder("./"), file("./control", control)})))
	arWrite(&b, dataName, data)
	return b.Bytes()
}

func arWrite(b *bytes.Buffer, name string, content []byte) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, 0, 0, 0, 0o100644, len(content))
	b.Write(content)
	if len(content)%2 == 1 {
		b.WriteByte('\n')
	}
}

func gzipped(in []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(in) //nolint:errcheck // to memory
	w.Close()   //nolint:errcheck // to memory
	return b.Bytes()
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
