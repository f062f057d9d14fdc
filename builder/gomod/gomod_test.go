package gomod

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"

	"github.com/kiln-build/kiln/builder/blobs"
)

const (
	modpath = "example.org/M"
	version = "v1.2.3"
	prefix  = "/example.org/!m/@v/v1.2.3"
	gomod   = "module example.org/M\n"
)

// proxy is a module proxy with one module on 127.0.0.1.
type proxy struct {
	*httptest.Server
	files  map[string][]byte
	status int // of everything, unless 0
	asked  map[string]int
	auth   string // the last request's
}

func newProxy(t testing.TB, body string) *proxy {
	t.Helper()
	p := &proxy{asked: map[string]int{}, files: map[string][]byte{
		prefix + ".info": []byte(`{"Version":"v1.2.3","Time":"2024-05-06T07:08:09Z"}`),
		prefix + ".mod":  []byte(gomod),
		prefix + ".zip":  moduleZip(t, modpath+"@"+version+"/", body),
	}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked[r.URL.Path]++
	p.auth = r.Header.Get("Authorization")
	b, ok := p.files[r.URL.Path]
	switch {
	case p.status != 0:
		w.WriteHeader(p.status)
	case !ok:
		http.NotFound(w, r)
	default:
		w.Write(b) //nolint:errcheck // a test
	}
}

func moduleZip(t testing.TB, prefix, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{"go.mod": gomod, "m.go": body} {
		f, err := w.Create(prefix + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sums are the go.sum lines of a module as moduleZip makes it.
func sums(t testing.TB, body string) (zipSum, modSum string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "m.zip")
	if err := os.WriteFile(name, moduleZip(t, modpath+"@"+version+"/", body), 0o600); err != nil {
		t.Fatal(err)
	}
	zipSum, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	modSum, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(gomod)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return zipSum, modSum
}

// newSumDB is a checksum database on 127.0.0.1 which says that the module has
// body. It returns the GOSUMDB setting for it.
func newSumDB(t testing.TB, body string) (setting string, asked func() int) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "sumdb.example.org")
	if err != nil {
		t.Fatal(err)
	}
	zipSum, modSum := sums(t, body)
	db := sumdb.NewServer(sumdb.NewTestServer(skey, func(path, vers string) ([]byte, error) {
		if path != modpath || vers != version {
			return nil, os.ErrNotExist
		}
		return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, vers, zipSum, path, vers, modSum), nil
	}))
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		db.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return vkey + " " + s.URL, func() int { return n }
}

func newClient(t testing.TB, goproxy, gosumdb string) *Client {
	t.Helper()
	store, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Proxy: goproxy, SumDB: gosumdb, Cache: store, Dir: t.TempDir(), HTTP: &http.Client{Timeout: time.Minute}}
}

func TestResolve(t *testing.T) {
	p := newProxy(t, "package m")
	db, asked := newSumDB(t, "package m")
	c := newClient(t, p.URL, db)
	zipSum, modSum := sums(t, "package m")
	want := Module{Path: modpath, Version: version, Sum: zipSum, GoMod: modSum, Time: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)}
	for range 2 {
		got, err := c.Resolve(t.Context(), modpath, version)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if p.asked[prefix+".zip"] != 1 {
		t.Errorf("the zip was fetched %d times", p.asked[prefix+".zip"])
	}
	if asked() == 0 {
		t.Error("the checksum database was not asked")
	}
	file, err := c.Zip(t.Context(), modpath, version, zipSum)
	if err != nil || p.asked[prefix+".zip"] != 1 {
		t.Errorf("got %v after %d downloads", err, p.asked[prefix+".zip"])
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, p.files[prefix+".zip"]) {
		t.Errorf("%s holds other bytes than the proxy, %v", file, err)
	}
}

// A proxy that lies is found out, and what it said is not believed later.
func TestLyingProxy(t *testing.T) {
	p := newProxy(t, "package evil")
	db, _ := newSumDB(t, "package m")
	c := newClient(t, p.URL, db)
	_, err := c.Resolve(t.Context(), modpath, version)
	evil, _ := sums(t, "package evil")
	good, _ := sums(t, "package m")
	if err == nil || !strings.Contains(err.Error(), evil) || !strings.Contains(err.Error(), good) || !strings.Contains(err.Error(), "sumdb.example.org has another hash") {
		t.Errorf("got %v, want both hashes", err)
	}
	if _, err := c.Zip(t.Context(), modpath, version, good); err == nil || !strings.Contains(err.Error(), "its hash is "+evil+", the lock has "+good) {
		t.Errorf("got %v, want both hashes", err)
	}
	p.files[prefix+".zip"] = moduleZip(t, modpath+"@"+version+"/", "package m")
	if m, err := c.Resolve(t.Context(), modpath, version); err != nil || m.Sum != good {
		t.Errorf("once the proxy is honest: got %v, %v", m, err)
	}
	if _, err := c.Zip(t.Context(), modpath, version, good); err != nil {
		t.Error(err)
	}
}

func TestLyingGoMod(t *testing.T) {
	p := newProxy(t, "package m")
	p.files[prefix+".mod"] = []byte("module example.org/other\n")
	db, _ := newSumDB(t, "package m")
	if _, err := newClient(t, p.URL, db).Resolve(t.Context(), modpath, version); err == nil || !strings.Contains(err.Error(), "v1.2.3/go.mod") {
		t.Errorf("got %v", err)
	}
}

func TestForgedDatabase(t *testing.T) {
	p := newProxy(t, "package m")
	_, other, err := note.GenerateKey(rand.Reader, "sumdb.example.org")
	if err != nil {
		t.Fatal(err)
	}
	db, _ := newSumDB(t, "package m")
	_, url, _ := strings.Cut(db, " ")
	if _, err := newClient(t, p.URL, other+" "+url).Resolve(t.Context(), modpath, version); err == nil || !strings.Contains(err.Error(), "asking checksum database sumdb.example.org") {
		t.Errorf("got %v", err)
	}
}

func TestSignedTreeIsKept(t *testing.T) {
	p := newProxy(t, "package m")
	db, _ := newSumDB(t, "package m")
	c := newClient(t, p.URL, db)
	if _, err := c.Resolve(t.Context(), modpath, version); err != nil {
		t.Fatal(err)
	}
	latest := filepath.Join(c.Dir, "sumdb", "sumdb.example.org", "latest")
	if b, err := os.ReadFile(latest); err != nil || !bytes.Contains(b, []byte("go.sum database tree")) {
		t.Errorf("the signed tree was not kept: %q, %v", b, err)
	}
}

func TestHostileZip(t *testing.T) {
	for name, z := range map[string][]byte{
		"another module's":  moduleZip(t, "example.org/other@v1.2.3/", "package m"),
		"no prefix":         moduleZip(t, "", "package m"),
		"out of the prefix": moduleZip(t, modpath+"@"+version+"/../", "package m"),
		"no zip":            []byte("<html>"),
	} {
		p := newProxy(t, "package m")
		p.files[prefix+".zip"] = z
		if _, err := newClient(t, p.URL, "off").Resolve(t.Context(), modpath, version); err == nil || !strings.Contains(err.Error(), "reading module zip: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestProxies(t *testing.T) {
	const good = "" // stands for the proxy that has the module
	for _, c := range []struct {
		name, goproxy string // N: 404, G: 410, E: 500, X: broken, O: good
		want          string
	}{
		{"404, comma", "N,O", good},
		{"410, comma", "G,O", good},
		{"404, bar", "N|O", good},
		{"500, comma", "E,O", "500 Internal Server Error"},
		{"500, bar", "E|O", good},
		{"broken, comma", "X,O", "connection refused"},
		{"broken, bar", "X|O", good},
		{"bar then comma", "E|N,O", good},
		{"off", "off", "GOPROXY says off"},
		{"404, off", "N,off,O", "GOPROXY says off"},
		{"direct first", "direct,O", good},
		{"direct alone", "direct", "GOPROXY names no proxy"},
		{"empty", "", "GOPROXY names no proxy"},
		{"nobody has it", "N,G,direct", "not found"},
		{"no URL", "http://user:geheim@[::1", "GOPROXY holds something that is no URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			none, gone, broken, has := newProxy(t, ""), newProxy(t, ""), newProxy(t, ""), newProxy(t, "package m")
			none.status, gone.status, broken.status = http.StatusNotFound, http.StatusGone, http.StatusInternalServerError
			list := strings.NewReplacer("N", none.URL, "G", gone.URL, "E", broken.URL, "X", "http://127.0.0.1:1", "O", has.URL).Replace(c.goproxy)
			if !strings.ContainsAny(c.goproxy, "NGEXO") {
				list = c.goproxy
			}
			_, err := newClient(t, list, "off").Resolve(t.Context(), modpath, version)
			switch {
			case c.want == good && err != nil:
				t.Error(err)
			case c.want != good && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "geheim")):
				t.Errorf("got %v, want %q", err, c.want)
			case c.want != good && len(has.asked) > 0:
				t.Errorf("the last proxy was asked for %v", has.asked)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	p := newProxy(t, "package m")
	with := strings.Replace(p.URL, "://", "://robot:geheim@", 1)
	if _, err := newClient(t, with, "off").Resolve(t.Context(), modpath, version); err != nil {
		t.Fatal(err)
	}
	if want := "Basic cm9ib3Q6Z2VoZWlt"; p.auth != want {
		t.Errorf("the proxy got %q, want %q", p.auth, want)
	}
	token := strings.Replace(p.URL, "://", "://geheim@", 1) + "?key=geheim"
	for _, status := range []int{http.StatusNotFound, http.StatusUnauthorized, http.StatusBadGateway} {
		p.status = status
		for _, u := range []string{with, token, "http://geheim:geheim@127.0.0.1:1", "geheim://geheim@host"} {
			_, err := newClient(t, u, "off").Resolve(t.Context(), modpath, version)
			if err == nil || strings.Contains(strings.TrimPrefix(err.Error(), "geheim://"), "geheim@") || strings.Contains(err.Error(), "=geheim") || strings.Contains(err.Error(), ":geheim") {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestPrivateModules(t *testing.T) {
	p := newProxy(t, "package m")
	db, asked := newSumDB(t, "another module")
	c := newClient(t, p.URL, db)
	c.NoSumDB = "example.com,example.org/*"
	if _, err := c.Resolve(t.Context(), modpath, version); err != nil {
		t.Error(err)
	}
	if asked() != 0 || p.asked["/sumdb/sumdb.example.org/lookup/example.org/!m@v1.2.3"] != 0 {
		t.Error("a checksum database was told of a private module")
	}
	c = newClient(t, p.URL, db)
	c.NoProxy = "example.org"
	clear(p.asked)
	if _, err := c.Resolve(t.Context(), modpath, version); err == nil || !strings.Contains(err.Error(), "GONOPROXY") {
		t.Errorf("got %v", err)
	}
	if len(p.asked) > 0 {
		t.Errorf("the proxy was told of a private module: %v", p.asked)
	}
}

func TestSumDBSettings(t *testing.T) {
	goName, _, _ := strings.Cut(goKey, "+")
	for _, c := range []struct{ setting, name, direct string }{
		{"", goName, "https://" + goName},
		{goName, goName, "https://" + goName},
		{goName + " https://db.example.org", goName, "https://db.example.org"},
		{"db.example.org+1234abcd+AAAA", "db.example.org", "https://db.example.org"},
		{"db.example.org+1234abcd+AAAA http://127.0.0.1:5", "db.example.org", "http://127.0.0.1:5"},
	} {
		o, err := newSumOps(t.Context(), &Client{SumDB: c.setting})
		if err != nil || o.name != c.name || o.direct != c.direct {
			t.Errorf("%q: got %+v, %v", c.setting, o, err)
		}
	}
	if _, err := newSumOps(t.Context(), &Client{SumDB: "db.example.org https://" + "user:geheim@x"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v, want an error that asks for the key", err)
	}
}

func TestWriteConfigConflict(t *testing.T) {
	o := &sumOps{client: &Client{Dir: t.TempDir()}}
	if err := o.WriteConfig("x/latest", nil, []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := o.WriteConfig("x/latest", nil, []byte("2")); !errors.Is(err, sumdb.ErrWriteConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	if b, err := o.ReadConfig("x/latest"); err != nil || string(b) != "1" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestLimited(t *testing.T) {
	if b, err := io.ReadAll(&limited{r: strings.NewReader("12345"), left: 5}); err != nil || len(b) != 5 {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := io.ReadAll(&limited{r: strings.NewReader("123456"), left: 5}); err == nil {
		t.Error("no error where there is more than the limit")
	}
}

// TestRealProxy asks the proxy and the database that the go command would.
func TestRealProxy(t *testing.T) {
	env := func(name string) string {
		out, err := exec.Command("go", "env", name).Output() //nolint:gosec // constant names
		if err != nil {
			t.Skip("there is no go command: ", err)
		}
		return strings.TrimSpace(string(out))
	}
	if testing.Short() || env("GOPROXY") == "off" {
		t.Skip("GOPROXY is off")
	}
	c := newClient(t, env("GOPROXY"), env("GOSUMDB"))
	c.NoSumDB = env("GONOSUMDB")
	own, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, v, _ := strings.Cut(string(own), "golang.org/x/mod ")
	v = strings.Fields(v)[0]
	m, err := c.Resolve(t.Context(), "golang.org/x/mod", v)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"golang.org/x/mod " + v + " " + m.Sum, "golang.org/x/mod " + v + "/go.mod " + m.GoMod} {
		if !strings.Contains(string(sums), line+"\n") {
			t.Errorf("go.sum has another line than %q", line)
		}
	}
	if m.Time.Year() < 2025 {
		t.Errorf("its time is %v", m.Time)
	}
}
