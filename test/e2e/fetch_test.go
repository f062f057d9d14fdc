//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// proxy is a proxy of Go modules on the loopback interface, with one module,
// which can be made to lie.
type proxy struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte
	asked int // how often
}

const (
	depZip  = "/example.com/dep/@v/v1.0.0.zip"
	depMod  = "module example.com/dep\n\ngo 1.26\n"
	depCode = "package dep\n\n// Works is what the probe says.\nconst Works = \"probe works\"\n"
)

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{files: map[string][]byte{
		"/example.com/dep/@v/v1.0.0.info": []byte(`{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}`),
		"/example.com/dep/@v/v1.0.0.mod":  []byte(depMod),
		depZip:                            moduleZip(t, zip.Deflate, depCode),
	}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if data, ok := p.files[r.URL.Path]; ok {
		w.Write(data) //nolint:errcheck // the client sees it
		return
	}
	http.NotFound(w, r)
}

// requests is how many there were.
func (p *proxy) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *proxy) serve(path string, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = data
}

// moduleZip is the module as a zip. By another method its bytes are others,
// and its h1: hash is the same.
func moduleZip(t *testing.T, method uint16, code string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{{"go.mod", depMod}, {"dep.go", code}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "example.com/dep@v1.0.0/" + f[0], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func h1(t *testing.T, files map[string]string) string {
	t.Helper()
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sum, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(files[name])), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// dependent is the probe with a dependency, locked from the proxy.
func (b *bed) dependent(t *testing.T) string {
	t.Helper()
	from := filepath.Join(t.TempDir(), "probe")
	if err := os.CopyFS(from, os.DirFS(probe)); err != nil {
		t.Fatal(err)
	}
	const prefix = "example.com/dep@v1.0.0/"
	sums := fmt.Sprintf("example.com/dep v1.0.0 %s\nexample.com/dep v1.0.0/go.mod %s\n",
		h1(t, map[string]string{prefix + "go.mod": depMod, prefix + "dep.go": depCode}), h1(t, map[string]string{"go.mod": depMod}))
	for name, text := range map[string]string{
		"go.mod":  "module example.com/probe\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n",
		"go.sum":  sums,
		"main.go": "package main\n\nimport \"example.com/dep\"\n\nfunc main() { println(dep.Works) }\n",
	} {
		if err := os.WriteFile(filepath.Join(from, "src", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return b.copyRecipe(t, from, "stdout: probe works", "stderr: probe works")
}

// forget has kiln lose what it remembers, and what the recipe's steps fetched,
// and so fetch again.
func (b *bed) forget(t *testing.T, recipe string) {
	t.Helper()
	for _, v := range b.homes {
		if dir, ok := strings.CutPrefix(v, "XDG_CACHE_HOME="); ok {
			if err := os.RemoveAll(filepath.Join(dir, "kiln", "memo")); err != nil {
				t.Fatal(err)
			}
			for _, result := range results.FindAllStringSubmatch(read(t, lockOf(recipe)), -1) {
				if err := os.RemoveAll(filepath.Join(dir, "kiln", "blobs", "sha256", result[1])); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// results are the digests in a lock of what steps fetched.
var results = regexp.MustCompile(`result: "?([0-9a-f]{64})`)

// TestLyingProxy: a module proxy that serves other bytes than were locked is
// refused, even where go.sum finds the same content in them; so is a file that
// is not in the lock. Another proxy with the same files serves as well.
func TestLyingProxy(t *testing.T) {
	b, honest, other := newBed(t), newProxy(t), newProxy(t)
	env := b.env
	through := func(p *proxy) { b.env = append(env[:len(env):len(env)], "GOPROXY="+p.URL, "GONOSUMDB=*") }
	through(honest)
	recipe := b.dependent(t)
	if lock := read(t, lockOf(recipe)); !strings.Contains(lock, "{ecosystem: go, path: example.com/dep/@v/v1.0.0.zip, sha256: ") || strings.Contains(lock, "127.0.0.1") {
		t.Errorf("the lock lacks the module, or names a host:\n%s", lock)
	}
	line := "recipe.yaml:12:7: step \"fetch Go modules\": "
	for _, lie := range [][]byte{moduleZip(t, zip.Store, depCode), moduleZip(t, zip.Deflate, "package dep\n\nconst Works = \"owned\"\n")} {
		b.forget(t, recipe)
		other.serve(depZip, lie)
		through(other)
		b.mustFail(t, 1, []string{line + other.URL + depZip + " has sha256 ", "the lock has ", "hint: the mirror serves other bytes"},
			b.flags(recipe, "probe")...)
	}
	replace(t, lockOf(recipe), "v1.0.0.zip, sha256", "v1.0.1.zip, sha256")
	b.mustFail(t, 1, []string{line + other.URL + depZip + " is not in the lock", "hint: where that is meant, `kiln lock"}, b.flags(recipe, "probe")...)
	replace(t, lockOf(recipe), "v1.0.1.zip, sha256", "v1.0.0.zip, sha256")
	if repos := b.repositories(t); len(repos) != 0 {
		t.Errorf("got repositories %v, want none", repos)
	}
	other.serve(depZip, moduleZip(t, zip.Deflate, depCode))
	b.build(t, recipe, "probe")
}

// TestPrivateProxy: a module proxy with TLS, an authority of its own and a
// password is reached, and neither lock nor output holds the password.
func TestPrivateProxy(t *testing.T) {
	b, p := newBed(t), newProxy(t)
	private := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "build" || password != "hunter2" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(private.Close)
	bundle, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: private.Certificate().Raw})...)
	if err := os.WriteFile(file, bundle, 0o644); err != nil {
		t.Fatal(err)
	}
	proxied := strings.Replace(private.URL, "https://", "https://build:hunter2@", 1)
	b.env = append(b.env, "GOPROXY="+proxied, "GONOSUMDB=*", "SSL_CERT_FILE="+file)
	recipe := b.dependent(t)
	lock := read(t, lockOf(recipe))
	if !strings.Contains(lock, "path: example.com/dep/@v/v1.0.0.zip") || strings.Contains(lock, "hunter2") || strings.Contains(lock, "127.0.0.1") {
		t.Errorf("the lock is\n%s", lock)
	}
	b.forget(t, recipe)
	p.serve(depZip, moduleZip(t, zip.Store, depCode))
	r := b.mustFail(t, 1, []string{private.URL + depZip + " has sha256 "}, b.flags(recipe, "probe")...)
	if strings.Contains(r.stderr, "hunter2") {
		t.Errorf("the password is in the output:\n%s", r.stderr)
	}
}

// TestLockCheck: on a machine that knows nothing, what steps fetch is checked
// without a request, and without an engine, as long as nothing that decides
// about it has changed.
func TestLockCheck(t *testing.T) {
	b, p := newBed(t), newProxy(t)
	b.env = append(b.env, "GOPROXY="+p.URL, "GONOSUMDB=*")
	recipe := b.dependent(t)
	locked := p.requests()
	if locked == 0 {
		t.Fatal("to lock, nothing was asked for")
	}
	apart := b.apart(t)
	apart.must(t, "kiln", "lock", recipe, "--check")
	if n := p.requests(); n != locked {
		t.Errorf("to check, %d requests were made", n-locked)
	}
	if got := apart.must(t, "kiln", "engine", "status").stdout; !strings.HasPrefix(got, "not running") {
		t.Errorf("to check, an engine was started:\n%s", got)
	}
	// Something else to fetch by, and the same is fetched.
	mod := filepath.Join(filepath.Dir(recipe), "src", "go.mod")
	replace(t, mod, "require", "// The only one.\nrequire")
	b.must(t, "kiln", "lock", recipe, "--check")
	if n := p.requests(); n == locked {
		t.Error("after a change of go.mod, no request was made")
	}
	p.serve(depZip, moduleZip(t, zip.Store, depCode))
	b.mustFail(t, 1, []string{"recipe.lock: what its steps fetch has changed", "hint: `kiln lock "}, "lock", recipe, "--check")
}
