//go:build e2e

package e2e

import (
	"bytes"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mavenFiles are those of a Maven repository, by path: what the packages of
// Debian that kiln builds with have of Maven Central.
func (b *bed) mavenFiles(t *testing.T) map[string][]byte {
	t.Helper()
	img := b.pulled(t, b.build(t, b.copyRecipe(t, "testdata/maven-repository"), "maven-repository"))
	files := map[string][]byte{}
	for p, data := range content(t, img) {
		if rest, ok := strings.CutPrefix(p, "maven2"); ok {
			files[rest] = data
		}
	}
	if len(files) < 500 {
		t.Fatalf("the repository has %d files", len(files))
	}
	return files
}

// serve has a proxy of its own serve files.
func serve(t *testing.T, files map[string][]byte) *proxy {
	t.Helper()
	p := &proxy{files: maps.Clone(files)}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// secured serves what p serves by TLS and for a password. A file of the
// authorities that its clients need is returned as well.
func secured(t *testing.T, p *proxy) (server *httptest.Server, authorities string) {
	t.Helper()
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "build" || password != "hunter 2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	bundle := read(t, "/etc/ssl/certs/ca-certificates.crt")
	bundle += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	authorities = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authorities, []byte(bundle), 0o644); err != nil {
		t.Fatal(err)
	}
	return server, authorities
}

// withRepository is a copy of a recipe's folder, and in it a kiln.yaml with a
// Maven repository.
func withRepository(t *testing.T, from, url string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	config := "kiln: v1\nnetwork:\n  maven: " + url + "\n"
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestMaven: what Maven and Gradle need is fetched from the repository that
// kiln.yaml names, whatever the project names, and locked without it. Another
// one, which the environment names, with TLS and a password, serves as well.
// Other bytes, and what is not in the lock, are refused.
func TestMaven(t *testing.T) {
	takesLong(t, "fetching and building with Maven and Gradle, again and again,")
	b := newBed(t)
	files := b.mavenFiles(t)
	for _, c := range []struct {
		kind, line string
		locked     []string
		oldnew     []string
	}{
		{"java", "12:7", []string{library, "/org/apache/maven/plugins/maven-jar-plugin/"}, []string{"repository: debian, ", "libraries: /usr/share/java/greet, "}},
		{"gradle", "11:7", []string{library}, nil},
	} {
		t.Run(c.kind, func(t *testing.T) {
			honest := serve(t, files)
			recipe := b.copyRecipe(t, withRepository(t, "testdata/steps/"+c.kind, honest.URL), c.oldnew...)
			lock := read(t, lockOf(recipe))
			for _, path := range c.locked {
				if !strings.Contains(lock, "{ecosystem: maven, path: "+path[1:]) || strings.Contains(lock, "127.0.0.1") {
					t.Fatalf("the lock lacks %s, or names a host:\n%s", path, lock)
				}
			}
			first := b.build(t, recipe, "maven/"+c.kind)
			if jar := content(t, b.pulled(t, first))["usr/share/java/greet/org.apache.commons.commons-lang3-debian.jar"]; !bytes.Equal(jar, files[library]) {
				t.Errorf("the library in the image has %d bytes, and not those that were fetched", len(jar))
			}
			b.privateMaven(t, recipe, honest, lock)
			b.lyingMaven(t, recipe, honest, "recipe.yaml:"+c.line+": step \"fetch Maven artifacts\": "+honest.URL+library)
			if out := b.build(t, recipe, "maven/again"); out.Digest != first.Digest {
				t.Errorf("the image is %s after refusals, and was %s", out.Digest, first.Digest)
			}
		})
	}
}

// library is the dependency of the projects.
const library = "/org/apache/commons/commons-lang3/debian/commons-lang3-debian.jar"

// privateMaven locks a recipe again, from a repository that wants a password.
func (b *bed) privateMaven(t *testing.T, recipe string, files *proxy, lock string) {
	t.Helper()
	private, authorities := secured(t, files)
	apart := *b
	apart.env = append(b.env[:len(b.env):len(b.env)], "SSL_CERT_FILE="+authorities,
		"KILN_MAVEN="+strings.Replace(private.URL, "https://", "https://build:hunter%202@", 1))
	r := apart.must(t, "kiln", "lock", recipe)
	if diff := cmp.Diff(lock, read(t, lockOf(recipe))); diff != "" {
		t.Errorf("another repository with the same files makes another lock (-want +got):\n%s", diff)
	}
	if strings.Contains(r.stderr, "hunter") {
		t.Errorf("the password is in the output:\n%s", r.stderr)
	}
}

// lyingMaven has the repository serve other bytes, and the lock name another
// file. At the end both are as they were.
func (b *bed) lyingMaven(t *testing.T, recipe string, files *proxy, at string) {
	t.Helper()
	b.forget(t, recipe)
	jar := files.files[library]
	files.serve(library, append(jar[:len(jar):len(jar)], "more"...))
	b.mustFail(t, 1, []string{at + " has sha256 ", "the lock has ", "hint: the mirror serves other bytes"}, b.flags(recipe, "maven/refused")...)
	files.serve(library, jar)
	replace(t, lockOf(recipe), "commons-lang3-debian.jar,", "commons-lang3-other.jar,")
	b.mustFail(t, 1, []string{at + " is not in the lock", "hint: where that is meant, `kiln lock"}, b.flags(recipe, "maven/refused")...)
	replace(t, lockOf(recipe), "commons-lang3-other.jar,", "commons-lang3-debian.jar,")
}
