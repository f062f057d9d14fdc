//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/html"

	"github.com/kiln-build/kiln/recipes/site"
)

// TestSitePages looks with Chromium at the pages of made-up facts, as files and
// as a server sends them.
func TestSitePages(t *testing.T) {
	text := read(t, filepath.Join(root(), "recipes", "site", "testdata", "catalog.json"))
	var catalog site.Catalog
	if err := json.Unmarshal([]byte(text), &catalog); err != nil {
		t.Fatal(err)
	}
	files, err := catalog.Files()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pages := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", site.Policy()+"; frame-ancestors 'none'")
		pages.ServeHTTP(w, r)
	}))
	defer server.Close()
	b := &bed{}
	look := newBrowser(t, b)
	t.Run("files", func(t *testing.T) { look(t, "browser.mjs", "file://"+filepath.Join(dir, site.Index)) })
	t.Run("served", func(t *testing.T) {
		takesLong(t, "looking at all pages again")
		look(t, "browser.mjs", server.URL+"/")
	})
}

// newBrowser installs what drives Chromium, and returns what runs a script of
// testdata/site on the pages with the address.
func newBrowser(t *testing.T, b *bed) func(t *testing.T, script, index string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run `make deps`", err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "site"))); err != nil {
		t.Fatal(err)
	}
	b.must(t, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--loglevel", "error", "puppeteer-core@24.43.0", "axe-core@4.14.1")
	return func(t *testing.T, script, index string) {
		t.Helper()
		r := b.run(t, "node", filepath.Join(dir, script), chromium, filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"), index)
		if r.code != 0 || !strings.Contains(r.stdout, "ok ") {
			t.Errorf("%s on %s: exit code %d\n%s%s", script, index, r.code, r.stdout, r.stderr)
		}
	}
}

// TestCatalogSite writes and serves the pages of a catalog with a real image in
// two versions, and runs the commands that a page has for verifying it.
func TestCatalogSite(t *testing.T) {
	b := newBed(t)
	dir := filepath.Dir(filepath.Dir(b.copyRecipe(t, catalog("hello"))))
	recipe := filepath.Join(dir, "hello", "recipe.yaml")
	b.must(t, "kiln", "build", recipe, "--push", b.Addr+"/hello", "--key", b.key, "--registry-ca", b.CAFile)
	replace(t, recipe, "\nversion: 1.0.0", "\nversion: 1.1.0")
	b.must(t, "kiln", "lock", recipe)
	b.must(t, "kiln", "build", recipe, "--push", b.Addr+"/hello", "--key", b.key, "--registry-ca", b.CAFile)
	config := "kiln: v1\ncatalog:\n  repository: " + b.Addr + "/${name}\n  sign: {public-key: " + b.pub + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "public")
	b.must(t, "kiln", "catalog", "site", "--catalog", dir, "-o", out, "--registry-ca", b.CAFile)
	t.Run("commands", func(t *testing.T) { testPageCommands(t, b, filepath.Join(out, "image", "hello.html")) })
	look := newBrowser(t, b)
	t.Run("files", func(t *testing.T) { look(t, "real.mjs", "file://"+filepath.Join(out, "index.html")) })
	t.Run("served", func(t *testing.T) {
		url, end := b.serveCatalog(t, dir)
		look(t, "real.mjs", url)
		end()
	})
}

// testPageCommands runs what a page says verifies the image, in a shell, where
// the public key lies; and then with another key, where it must fail.
func testPageCommands(t *testing.T, b *bed, page string) {
	commands := verifyCommands(t, page)
	if len(commands) != 2 || !strings.HasPrefix(commands[0], "kiln verify ") || !strings.Contains(commands[1], "\ncosign verify ") {
		t.Fatalf("got the commands %q, want one of kiln and one of cosign", commands)
	}
	stranger := newBed(t)
	for _, command := range commands {
		for key, good := range map[string]bool{b.pub: true, stranger.pub: false} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(b.pub)), []byte(read(t, key)), 0o600); err != nil {
				t.Fatal(err)
			}
			c := b.command(t, "sh", "-ec", command)
			c.Dir = dir
			c.Env = append(c.Env, "PATH="+filepath.Join(root(), "bin")+":"+os.Getenv("PATH"), "KILN_REGISTRY_CA="+b.CAFile, "SSL_CERT_FILE="+b.CAFile)
			if said, err := c.CombinedOutput(); (err == nil) != good {
				t.Errorf("%s\nwith the key of %s: %v\n%s", command, map[bool]string{true: "who signed", false: "a stranger"}[good], err, said)
			}
		}
	}
}

// verifyCommands are those in the section of a page that is about verifying.
func verifyCommands(t *testing.T, page string) (list []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(read(t, page)))
	if err != nil {
		t.Fatal(err)
	}
	is := func(n *html.Node, key, value string) bool {
		for _, a := range n.Attr {
			if a.Key == key && a.Val == value {
				return true
			}
		}
		return false
	}
	for section := range doc.Descendants() {
		if section.Data != "section" || !is(section, "id", "verify") {
			continue
		}
		for box := range section.Descendants() {
			if !is(box, "class", "command") {
				continue
			}
			for code := range box.Descendants() {
				if code.Data == "code" && code.Type == html.ElementNode {
					list = append(list, code.FirstChild.Data)
				}
			}
		}
	}
	return list
}

// serveCatalog serves the catalog's pages, and returns where, and what ends it
// as Ctrl-C does.
func (b *bed) serveCatalog(t *testing.T, dir string) (url string, end func()) {
	t.Helper()
	c := b.command(t, "kiln", "catalog", "serve", "--listen", "127.0.0.1:0", "--catalog", dir, "--registry-ca", b.CAFile)
	c.Stderr = os.Stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	url, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("kiln catalog serve says no address: %v, %v", err, c.Wait())
	}
	return strings.TrimSpace(url), func() {
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("kiln catalog serve ends with %v", err)
		}
	}
}
