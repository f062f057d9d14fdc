//go:build e2e

package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestSteps builds a small project with each kind of step that languages and
// build systems have. Each recipe has a test that runs what came out. Built
// again, with steps that the engine has no results of, it is the same.
func TestSteps(t *testing.T) {
	programs := map[string][]string{
		"cmake": {"usr/bin/greet", "usr/lib/x86_64-linux-gnu/libwords.so.1"}, "meson": {"usr/bin/greet"}, "cargo": {"usr/bin/greet"},
		"go-pie": {"usr/bin/greet"}, "go-cgo": {"usr/bin/greet"},
	}
	for _, kind := range sample([]string{"npm", "python"}, "cmake", "go-pie", "go-cgo", "meson", "cargo", "java", "jlink") {
		t.Run(kind, func(t *testing.T) {
			b := newBed(t)
			recipe := b.copyRecipe(t, filepath.Join("testdata/steps", kind))
			out := b.build(t, recipe, "steps/"+kind)
			checkTested(t, out)
			first := b.pulled(t, out)
			files := content(t, first)
			for _, p := range programs[kind] {
				checkHardened(t, p, files[p])
			}
			replace(t, recipe, "build:\n", "build:\n  env: {BUILT_AGAIN: \"1\"}\n")
			b.must(t, "kiln", "lock", recipe)
			again := b.pulled(t, b.build(t, recipe, "steps/"+kind))
			if diff := cmp.Diff(layers(t, first), layers(t, again)); diff != "" {
				t.Errorf("layers built again (-first +again):\n%s", diff)
				for p, data := range content(t, again) {
					if !bytes.Equal(data, files[p]) {
						t.Errorf("%s differs", p)
					}
				}
			}
		})
	}
}

func (b *bed) pulled(t *testing.T, out built) v1.Image {
	t.Helper()
	ref, err := name.ParseReference(out.References[0])
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func layers(t *testing.T, img v1.Image) []string {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, l := range m.Layers {
		digests = append(digests, l.Digest.String())
	}
	return digests
}

// content is the text of an image's files by path.
func content(t *testing.T, img v1.Image) map[string][]byte {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	files := map[string][]byte{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(h.Name, "/")] = data
		}
	}
}

// checkHardened reads from an ELF file that it can be anywhere in memory and
// resolves its symbols at the start.
func checkHardened(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	relro := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_GNU_RELRO })
	now, err := f.DynValue(elf.DT_FLAGS_1)
	if f.Type != elf.ET_DYN || !relro || err != nil || len(now) != 1 || now[0]&uint64(elf.DF_1_NOW) == 0 {
		t.Errorf("%s: type %s, RELRO %v, flags %x, %v; want a position-independent program with full RELRO", path, f.Type, relro, now, err)
	}
	if bytes.Contains(data, []byte("/src/src")) {
		t.Errorf("%s names the folder that it was built in", path)
	}
}

// TestRegistries has steps fetch from registries of crates and wheels on a
// loopback address.
func TestRegistries(t *testing.T) {
	crate := tarball(t, "tiny-1.0.0", map[string]string{
		"Cargo.toml": "[package]\nname = \"tiny\"\nversion = \"1.0.0\"\nedition = \"2021\"\n", "src/lib.rs": "pub fn word() -> &'static str { \"tiny\" }\n",
	})
	wheel := zipped(t, map[string]string{
		"tiny.py": "def main():\n    print('tiny')\n", "tiny-1.0.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"tiny-1.0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0.0\n", "tiny-1.0.0.dist-info/RECORD": "",
		"tiny-1.0.0.dist-info/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
	})
	const file = "tiny-1.0.0-py3-none-any.whl"
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dl/tiny/1.0.0/download":
			w.Write(crate) //nolint:errcheck // the client's loss
		case "/pypi/simple/tiny/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<html><body><a href="../../files/%s">%s</a></body></html>`, file, file)
		case "/pypi/files/" + file:
			w.Write(wheel) //nolint:errcheck // the client's loss
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	for _, c := range []struct{ kind, file, text string }{
		{"crates", "src/Cargo.lock", "version = 4\n\n[[package]]\nname = \"greet\"\nversion = \"1.2.0\"\ndependencies = [\n \"tiny\",\n]\n\n" +
			"[[package]]\nname = \"tiny\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"" + sumOf(crate) + "\"\n"},
		{"wheels", "src/requirements.txt", "tiny==1.0.0 --hash=sha256:" + sumOf(wheel) + "\n"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			if c.kind == "crates" {
				takesLong(t, "installing Rust")
			}
			b := newBed(t)
			b.env = append(b.env, "KILN_CRATES="+web.URL+"/dl", "PIP_INDEX_URL="+web.URL+"/pypi/simple")
			dir := filepath.Join(t.TempDir(), c.kind)
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata/steps", c.kind))); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			b.build(t, dir, "steps/"+c.kind)
			lock, err := os.ReadFile(filepath.Join(dir, "recipe.lock"))
			if err != nil || !strings.Contains(string(lock), "fetches:") || strings.Contains(string(lock), web.URL) {
				t.Errorf("the lock lacks what was fetched, or names the host, %v:\n%s", err, lock)
			}
		})
	}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func tarball(t *testing.T, dir string, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for n, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: dir + "/" + n, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text) //nolint:errcheck // Close says
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for n, text := range files {
		f, err := w.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, text) //nolint:errcheck // Close says
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
