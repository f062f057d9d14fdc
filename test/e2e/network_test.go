//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiln-build/kiln/builder/archive"
)

// TestNetworkLeavesNoTrace builds through the mirrors that kiln.yaml names:
// they are asked, and nothing that the build leaves names them.
func TestNetworkLeavesNoTrace(t *testing.T) {
	takesLong(t, "building on an engine that begins empty")
	mirrors, err := archive.HostMirrors("/")
	if err != nil {
		t.Skip("apt on this machine has no mirror to stand before: ", err)
	}
	b := newBed(t).fresh(t)
	dir := t.TempDir()
	config := "kiln: v1\nnetwork:\n  mirrors:\n"
	var hosts []string
	for _, name := range []string{archive.Debian, archive.Security} {
		to, err := url.Parse(mirrors[name][0])
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
		t.Cleanup(proxy.Close)
		config += "    " + name + ": " + proxy.URL + "\n"
		hosts = append(hosts, proxy.Listener.Addr().String())
	}
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	recipe := filepath.Join(dir, "hello")
	if err := os.CopyFS(recipe, os.DirFS(catalog("hello"))); err != nil {
		t.Fatal(err)
	}
	b.must(t, "kiln", "lock", recipe)
	out := filepath.Join(dir, "out")
	b.must(t, "kiln", "build", recipe, "--oci", out, "--key", b.key)
	for _, place := range []string{recipe, out} {
		err := filepath.WalkDir(place, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			for _, host := range hosts {
				if bytes.Contains(unpacked(t, p), []byte(host)) {
					t.Errorf("%s names the mirror %s", p, host)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unpacked is what a file holds, or what it holds compressed.
func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	data := []byte(read(t, path))
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
