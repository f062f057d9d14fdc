package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

const epoch = 1700000000

// item is an entry of a package or an artifact.
type item struct {
	name, link, body string
	kind             byte // a file where it is 0
	mode             int64
	capability       string
}

func file(name, body string) item   { return item{name: name, body: body, mode: 0o644} }
func binary(name, body string) item { return item{name: name, body: body, mode: 0o755} }
func folder(name string) item       { return item{name: name, kind: tar.TypeDir, mode: 0o755} }
func symlink(name, target string) item {
	return item{name: name, link: target, kind: tar.TypeSymlink, mode: 0o777}
}
func hardlink(name, target string) item {
	return item{name: name, link: target, kind: tar.TypeLink, mode: 0o644}
}

// entries are items as a build's artifacts.
func entries(items ...item) []layer.Entry {
	var all []layer.Entry
	for _, i := range items {
		kind := i.kind
		if kind == 0 {
			kind = tar.TypeReg
		}
		e := layer.Entry{Time: 5, Capability: i.capability, File: recipes.File{
			Path: i.name, Type: kind, Mode: i.mode, UID: 1000, GID: 1000, Linkname: i.link, Owner: recipes.OwnerService,
		}}
		if kind == tar.TypeReg {
			e.Size = int64(len(i.body))
			e.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(i.body)), nil }
		}
		all = append(all, e)
	}
	return all
}

func tarOf(t testing.TB, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, i := range items {
		h := &tar.Header{Name: "." + i.name, Linkname: i.link, Typeflag: i.kind, Mode: i.mode, Size: int64(len(i.body)), ModTime: time.Unix(epoch-1000, 0)}
		if i.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if i.kind == tar.TypeLink {
			h.Linkname = "." + i.link
		}
		if i.capability != "" {
			h.PAXRecords = map[string]string{layer.CapabilityRecord: i.capability}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bed is a lock whose packages are in a cache.
type bed struct {
	store   *blobs.Store
	memo    memo.Dir
	lock    *recipes.Lock
	lists   map[string]string
	fetched []string
}

// arch is this machine's, so that what gcc makes is for the platform.
const platform = "linux/" + runtime.GOARCH

func newBed(t testing.TB) *bed {
	t.Helper()
	store, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{store: store, memo: memo.Dir(t.TempDir()), lists: map[string]string{}, lock: &recipes.Lock{
		Kiln: recipes.FormatVersion, Epoch: recipes.Epoch{Seconds: epoch}, Platforms: []recipes.LockedPlatform{{Platform: platform}},
	}}
	b.image(t, "ca-certificates", copyright("ca-certificates"),
		file("/usr/share/ca-certificates/mozilla/A.crt", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"),
		file("/usr/share/ca-certificates/mozilla/B.crt", "-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\n\n"),
		binary("/usr/sbin/update-ca-certificates", "#!/bin/sh\n"))
	b.image(t, "tzdata", copyright("tzdata"), file("/usr/share/zoneinfo/UTC", "TZif2"), hardlink("/usr/share/zoneinfo/Zulu", "/usr/share/zoneinfo/UTC"),
		file("/usr/share/man/man5/tzfile.5.gz", "left out"), file("/usr/share/doc/tzdata/changelog.gz", "left out"))
	return b
}

func copyright(pkg string) item {
	return file("/usr/share/doc/"+pkg+"/copyright", "Copyright of "+pkg+"\n")
}

// pkg puts a package with the items into the cache.
func (b *bed) pkg(t testing.TB, name string, items []item) recipes.Package {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: 1.0-2\nArchitecture: %s\nMaintainer: Someone <someone@example.org>\nSource: src-%s (1.0)\n"+
		"Description: the package\n and more about it\n .\n the end\n", name, runtime.GOARCH, name)
	var deb bytes.Buffer
	deb.WriteString("!<arch>\n")
	for _, m := range []struct {
		name string
		data []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar.gz", tarOf(t, []item{{name: "/control", body: control, mode: 0o644}})},
		{"data.tar.gz", tarOf(t, items)},
	} {
		fmt.Fprintf(&deb, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, epoch, 0, 0, 0o100644, len(m.data))
		deb.Write(m.data)
		if len(m.data)%2 == 1 {
			deb.WriteByte('\n')
		}
	}
	sum, size, err := b.store.Put(bytes.NewReader(deb.Bytes()), "")
	if err != nil {
		t.Fatal(err)
	}
	return recipes.Package{
		Name: name, Version: "1.0-2", Architecture: runtime.GOARCH, Source: "src-" + name, SourceVersion: "1.0",
		Archive: "debian", Suite: "trixie", Path: "pool/main/" + name + ".deb", Size: size, SHA256: sum,
	}
}

// image locks a package for the image.
func (b *bed) image(t testing.TB, name string, items ...item) {
	t.Helper()
	p := &b.lock.Platforms[0]
	p.Image = append(p.Image, b.pkg(t, name, items))
	slices.SortFunc(p.Image, func(a, b recipes.Package) int { return strings.Compare(a.Name, b.Name) })
}

// build locks a package for the build environment, where it is installed.
func (b *bed) build(t testing.TB, name string, items ...item) {
	t.Helper()
	p := &b.lock.Platforms[0]
	p.Build = append(p.Build, b.pkg(t, name, items))
	list := "/.\n/usr\n"
	for _, i := range items {
		list += i.name + "\n"
	}
	b.lists[name+":"+runtime.GOARCH+".list"] = list
}

func newRecipe() *recipes.Recipe {
	return &recipes.Recipe{
		File: "recipe.yaml", Name: "hello", Version: "1.2.3", Summary: "Says hello", License: "Apache-2.0", Homepage: "https://example.org/hello",
		Suite: "trixie", Sources: []recipes.Source{{Go: "github.com/example/hello/v2@v2.0.0"}},
		Image:   recipes.Image{Base: "static", User: "65532:65532", Home: "/home/nonroot", Workdir: "/", Entrypoint: []string{"/usr/bin/hello"}},
		Runtime: recipes.Runtime{Writable: []string{"/tmp"}, Memory: "64Mi"},
	}
}

func (b *bed) input(r *recipes.Recipe, items ...item) Input {
	return Input{
		Recipe: r, Lock: b.lock, Platform: platform, Artifacts: entries(items...), Store: b.store, Memo: b.memo, Key: strings.Repeat("ab", 32),
		Lists: func(context.Context) (map[string]string, error) { return b.lists, nil },
		Fetch: func(_ context.Context, pkgs []recipes.Package) error {
			for _, p := range pkgs {
				b.fetched = append(b.fetched, p.Name)
			}
			return nil
		},
	}
}

func assemble(t testing.TB, in Input) *Result {
	t.Helper()
	res, err := Assemble(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// find returns a file of the content.
func find(res *Result, p string) (recipes.File, bool) {
	i := slices.IndexFunc(res.Content.Files, func(f recipes.File) bool { return f.Path == p })
	if i < 0 {
		return recipes.File{}, false
	}
	return res.Content.Files[i], true
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// cc compiles C code and returns the result's bytes.
func cc(t testing.TB, code string, args ...string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "x.c"), filepath.Join(dir, "out")
	if err := os.WriteFile(src, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(gcc, append([]string{"-o", out, src}, args...)...).CombinedOutput(); err != nil { //nolint:gosec // a compiler and its constant arguments
		t.Fatalf("%v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// library makes a shared library that needs others. The others are stubs
// with nothing but a name.
func library(t testing.TB, soname string, needs ...string) string {
	t.Helper()
	args := []string{"-shared", "-fPIC", "-nostdlib", "-Wl,--no-as-needed", "-Wl,-soname," + soname}
	return cc(t, "int f(void) { return 0; }", append(args, stubs(t, needs)...)...)
}

// executable makes a dynamic program that needs libraries.
func executable(t testing.TB, runpath string, needs ...string) string {
	t.Helper()
	args := []string{"-nostdlib", "-Wl,--no-as-needed", "-pie", "-fPIE"}
	if runpath != "" {
		args = append(args, "-Wl,--enable-new-dtags,-rpath,"+runpath)
	}
	return cc(t, "void _start(void) {}", append(args, stubs(t, needs)...)...)
}

func stubs(t testing.TB, names []string) []string {
	t.Helper()
	var files []string
	for _, n := range names {
		f := filepath.Join(t.TempDir(), "stub.so")
		if err := os.WriteFile(f, []byte(cc(t, "int g(void) { return 0; }", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,"+n)), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}
