package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/gomod"
	"github.com/kiln-build/kiln/recipes"
)

func archiveSource(sha256 string, urls ...string) recipes.Source {
	return recipes.Source{Archive: &recipes.ArchiveSource{URL: urls[0], Mirrors: urls[1:], SHA256: sha256}}
}

func lock(t testing.TB, f *Fetcher, src recipes.Source, dir string) Pinned {
	t.Helper()
	p, err := f.Lock(t.Context(), src, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestArchive(t *testing.T) {
	b := gzipped(t, plainHello(t))
	url, asked := serve(t, map[string][]byte{"/hello-1.tar.gz": b})
	f := newFetcher(t)
	src := archiveSource(sum(b), url+"/hello-1.tar.gz?download=1")
	got := lock(t, f, src, "")
	want := Pinned{Time: 1700000000, LockedSource: recipes.LockedSource{
		Kind: "archive", Name: "hello-1.tar.gz",
		Files: []recipes.LockedFile{{Path: "hello-1.tar.gz", Size: int64(len(b)), SHA256: sum(b)}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	src.Into = "deep/hello"
	l, err := f.Layer(t.Context(), src, got.LockedSource, "", "", 42)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"deep/hello/main.c": "int main(void) { return 0; }\n", "deep/hello/copy.c": "int main(void) { return 0; }\n",
		"deep/hello/configure": "x #!/bin/sh\n", "deep/hello/doc/link": "-> ../main.c",
	}
	if diff := cmp.Diff(files, tree(t, l)); diff != "" {
		t.Error(diff)
	}
	if asked["/hello-1.tar.gz"] != 1 {
		t.Errorf("the archive was fetched %d times", asked["/hello-1.tar.gz"])
	}
	// The layer is remembered: it is there without the archive, too.
	if err := os.Remove(f.Cache.Path(sum(b))); err != nil {
		t.Fatal(err)
	}
	again, err := f.Layer(t.Context(), src, got.LockedSource, "", "", 42)
	if err != nil || again.Blob != l.Blob || asked["/hello-1.tar.gz"] != 1 {
		t.Errorf("got %v, %v after %d downloads", again, err, asked["/hello-1.tar.gz"])
	}
}

func TestArchiveNames(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.org/a/x-1.tar.gz": "x-1.tar.gz", "https://example.org/x.zip?y=/z#w": "x.zip", "https://example.org/": "archive",
		"https://example.org": "archive", "https://example.org/a/..": "archive", "https://example.org/a%0ab": "archive", "https://example.org/%2e%2e": "archive",
	} {
		if got := FileName(raw); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}

func TestMirrorsAreTriedInOrder(t *testing.T) {
	b := gzipped(t, plainHello(t))
	wrong := []byte("a page that says sorry")
	url, asked := serve(t, map[string][]byte{"/wrong": wrong, "/right": b, "/later": b})
	f := newFetcher(t)
	lock(t, f, archiveSource(sum(b), url+"/none", url+"/wrong", url+"/right", url+"/later"), "")
	if diff := cmp.Diff(map[string]int{"/none": 1, "/wrong": 1, "/right": 1}, asked); diff != "" {
		t.Error(diff)
	}
	if f.Cache.Has(sum(wrong), -1) {
		t.Error("the wrong bytes were kept")
	}
	left, err := filepath.Glob(filepath.Join(f.Cache.Root(), "ingest", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEveryMirrorFails(t *testing.T) {
	b, wrong := gzipped(t, plainHello(t)), []byte("other bytes")
	url, _ := serve(t, map[string][]byte{"/wrong": wrong})
	_, err := newFetcher(t).Lock(t.Context(), archiveSource(sum(b), url+"/none", url+"/wrong"), "", nil)
	want := fmt.Sprintf("fetching %s/none: 404 Not Found\nfetching %s/wrong: sha256 is %s, want %s (11 bytes)", url, url, sum(wrong), sum(b))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestErrorsKeepCredentials(t *testing.T) {
	url, _ := serve(t, nil)
	raw := strings.Replace(url, "://", "://user:geheim@", 1) + "/x"
	for _, u := range []string{raw, "http://user:geheim@127.0.0.1:1/x", "http://user:geheim@[::1/x"} {
		_, err := newFetcher(t).Lock(t.Context(), archiveSource(strings.Repeat("0", 64), u), "", nil)
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCancelledFetchTriesNoMirror(t *testing.T) {
	url, asked := serve(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newFetcher(t).Lock(ctx, archiveSource(strings.Repeat("0", 64), url+"/a", url+"/b"), "", nil)
	if !errors.Is(err, context.Canceled) || len(asked) > 0 {
		t.Errorf("got %v after %v", err, asked)
	}
}

func TestStripLeadsOut(t *testing.T) {
	b := gzipped(t, tarOf(t, entry{name: "a/f", body: "f"}, entry{name: "a/l", link: "../b", kind: '2'}))
	url, _ := serve(t, map[string][]byte{"/x.tar.gz": b})
	f := newFetcher(t)
	src := archiveSource(sum(b), url+"/x.tar.gz")
	_, err := f.Layer(t.Context(), src, lock(t, f, src, "").LockedSource, "", "", 0)
	var hostile *HostileError
	if !errors.As(err, &hostile) || !strings.Contains(err.Error(), `its target "../b" is outside the source`) {
		t.Errorf("got %v", err)
	}
}

func TestLockOfAnotherKind(t *testing.T) {
	_, err := newFetcher(t).Layer(t.Context(), archiveSource(strings.Repeat("0", 64), "http://127.0.0.1/x"), recipes.LockedSource{Kind: "go"}, "", "", 0)
	if err == nil || !strings.Contains(err.Error(), "the lock has a source of kind go") {
		t.Errorf("got %v", err)
	}
}

func localFiles(t testing.TB, perm os.FileMode, when time.Time) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range map[string]string{
		"src/main.c": "int x;", "src/run.sh": "#!/bin/sh", "src/sub/a.o": "object", "src/.git/HEAD": "ref", "src/build/out": "out", "src/build/keep": "keep",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700|perm); err != nil {
			t.Fatal(err)
		}
		mode := 0o600 | perm
		if strings.HasSuffix(name, ".sh") {
			mode |= 0o100
		}
		if err := errors.Join(os.WriteFile(file, []byte(body), 0o600), os.Chmod(file, mode), os.Chtimes(file, when, when)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("main.c", filepath.Join(dir, "src", "link.c")); err != nil {
		t.Fatal(err)
	}
	return dir
}

var localSource = recipes.Source{Local: &recipes.LocalSource{Path: "src", Ignore: []string{"**/*.o", "build", "!build/keep"}}}

func localLayer(t testing.TB, f *Fetcher, dir string) (string, map[string]string) {
	t.Helper()
	digest, err := LocalDigest(t.Context(), *localSource.Local, dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Layer(t.Context(), localSource, lock(t, f, localSource, dir).LockedSource, dir, digest, 7)
	if err != nil {
		t.Fatal(err)
	}
	return digest + " " + l.Blob.String(), tree(t, l)
}

func TestLocal(t *testing.T) {
	want, files := localLayer(t, newFetcher(t), localFiles(t, 0o044, time.Unix(1, 0)))
	if diff := cmp.Diff(map[string]string{"main.c": "int x;", "run.sh": "x #!/bin/sh", "link.c": "-> main.c", "build/keep": "keep"}, files); diff != "" {
		t.Error(diff)
	}
	perms := []os.FileMode{0, 0o066, 0o044, 0o022}
	for i := range 25 {
		dir := localFiles(t, perms[i%len(perms)], time.Unix(int64(i)*1e6, 0))
		if got, _ := localLayer(t, newFetcher(t), dir); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// What changes after it was hashed must not be remembered under that hash.
func TestLocalChangesMeanwhile(t *testing.T) {
	f, dir := newFetcher(t), localFiles(t, 0o044, time.Unix(1, 0))
	digest, err := LocalDigest(t.Context(), *localSource.Local, dir)
	if err != nil {
		t.Fatal(err)
	}
	locked := lock(t, f, localSource, dir).LockedSource
	file := filepath.Join(dir, "src", "main.c")
	if err := os.WriteFile(file, []byte("int y;"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Layer(t.Context(), localSource, locked, dir, digest, 7); err == nil || !strings.Contains(err.Error(), "it changed while it was read") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(file, []byte("int x;"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := f.Layer(t.Context(), localSource, locked, dir, digest, 7)
	if err != nil || tree(t, l)["main.c"] != "int x;" {
		t.Errorf("got %v, %v", l, err)
	}
}

func TestLocalMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "src"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, t.TempDir()} {
		if _, err := newFetcher(t).Lock(t.Context(), localSource, d, nil); err == nil || !strings.Contains(err.Error(), "reading local source: ") {
			t.Errorf("got %v", err)
		}
	}
}

// debianSources is an index with one source package.
type debianSources struct{ archive.Source }

func (s debianSources) Lookup(name, version, suite string) (archive.Source, error) {
	if name != s.Name {
		return archive.Source{}, fmt.Errorf("no source package %s", name)
	}
	return s.Source, nil
}

// debian puts the files of a source package in the cache, as if they had been
// fetched.
func debian(t testing.TB, f *Fetcher, files map[string][]byte) debianSources {
	t.Helper()
	c, err := archive.New(archive.Config{
		Mirrors: map[string][]string{archive.Debian: {"http://127.0.0.1:1/debian"}}, Cache: f.Cache, IndexDir: t.TempDir(),
		Keyring: keyring(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Archive = c
	s := archive.Source{Name: "hello", Version: "1-2"}
	for name, b := range files {
		if _, _, err := f.Cache.Put(strings.NewReader(string(b)), ""); err != nil {
			t.Fatal(err)
		}
		s.Files = append(s.Files, archive.File{Archive: archive.Debian, Path: "pool/main/h/hello/" + name, Size: int64(len(b)), SHA256: sum(b)})
	}
	return debianSources{s}
}

func keyring(t testing.TB) []byte {
	t.Helper()
	b, err := archive.DefaultKeyring("/")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDebian(t *testing.T) {
	orig := gzipped(t, tarOf(t, entry{name: "hello-1/main.c", body: "upstream"}, entry{name: "hello-1/debian/rules", body: "upstream's"}, entry{name: "hello-1/doc/old", body: "upstream's"}))
	doc := gzipped(t, tarOf(t, entry{name: "manual/index", body: "component"}))
	rules := gzipped(t, tarOf(t, entry{name: "debian/control", body: "Debian's"}, entry{name: "debian/patches/series", body: "p"}))
	native := gzipped(t, tarOf(t, entry{name: "hello/main.c", body: "native"}, entry{name: "hello/debian/rules", body: "native"}))
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		patches bool
		want    map[string]string
		err     string
	}{
		{"upstream alone", map[string][]byte{"hello_1.orig.tar.gz": orig, "hello_1-2.debian.tar.xz": rules, "hello_1-2.dsc": []byte("dsc"), "hello_1.orig.tar.gz.asc": []byte("sig")}, false,
			map[string]string{"main.c": "upstream", "debian/rules": "upstream's", "doc/old": "upstream's"}, ""},
		{"with patches", map[string][]byte{"hello_1.orig.tar.gz": orig, "hello_1-2.debian.tar.xz": rules}, true,
			map[string]string{"main.c": "upstream", "debian/control": "Debian's", "debian/patches/series": "p", "doc/old": "upstream's"}, ""},
		{"with a component", map[string][]byte{"hello_1.orig.tar.gz": orig, "hello_1.orig-doc.tar.bz2": doc}, false,
			map[string]string{"main.c": "upstream", "debian/rules": "upstream's", "doc/index": "component"}, ""},
		{"native", map[string][]byte{"hello_1.tar.gz": native}, true,
			map[string]string{"main.c": "native", "debian/rules": "native"}, ""},
		{"format 1.0", map[string][]byte{"hello_1.orig.tar.gz": orig, "hello_1-2.diff.gz": []byte("diff")}, false,
			map[string]string{"main.c": "upstream", "debian/rules": "upstream's", "doc/old": "upstream's"}, ""},
		{"format 1.0 with patches", map[string][]byte{"hello_1.orig.tar.gz": orig, "hello_1-2.diff.gz": []byte("diff")}, true, nil, "source format 1.0"},
		{"no tarball", map[string][]byte{"hello_1-2.dsc": []byte("dsc")}, false, nil, "no tarball of upstream"},
		{"broken tarball", map[string][]byte{"hello_1.orig.tar.gz": []byte("what")}, false, nil, "reading pool/main/h/hello/hello_1.orig.tar.gz: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFetcher(t)
			index := debian(t, f, c.files)
			src := recipes.Source{Debian: &recipes.DebianSource{Package: "hello", Patches: c.patches}}
			pinned, err := f.Lock(t.Context(), src, "", func() (Sources, error) { return index, nil })
			got := map[string]string(nil)
			if err == nil {
				for _, file := range pinned.Files {
					if strings.HasSuffix(file.Path, ".asc") {
						t.Errorf("%s is locked", file.Path)
					}
				}
				l, lerr := f.Layer(t.Context(), src, pinned.LockedSource, "", "", 3)
				if err = lerr; err == nil {
					got = tree(t, l)
				}
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			if pinned.Time != 1700000000 {
				t.Errorf("its time is %d", pinned.Time)
			}
		})
	}
}

// goFetcher has the module zip as if the proxy had served it before.
func goFetcher(t testing.TB, zip []byte) (*Fetcher, recipes.LockedSource) {
	t.Helper()
	url, _ := serve(t, map[string][]byte{"/example.org/!m/@v/v1.0.0.zip": zip})
	name := filepath.Join(t.TempDir(), "m.zip")
	if err := os.WriteFile(name, zip, 0o600); err != nil {
		t.Fatal(err)
	}
	h1, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	f := newFetcher(t)
	f.Go = &gomod.Client{Proxy: url, SumDB: "off", Cache: f.Cache, Dir: t.TempDir(), HTTP: http.DefaultClient}
	return f, recipes.LockedSource{Kind: "go", Name: "example.org/M", Version: "v1.0.0", Sum: h1}
}

func TestGo(t *testing.T) {
	src := recipes.Source{Go: "example.org/M@v1.0.0"}
	f, locked := goFetcher(t, zipOf(t, entry{name: "example.org/M@v1.0.0/go.mod", body: "module example.org/M\n"}, entry{name: "example.org/M@v1.0.0/cmd/x/main.go", body: "package main"}))
	l, err := f.Layer(t.Context(), src, locked, "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"go.mod": "module example.org/M\n", "cmd/x/main.go": "package main"}, tree(t, l)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"example.org/other@v1.0.0/go.mod", "go.mod", "example.org/M@v1.0.1/go.mod"} {
		f, locked := goFetcher(t, zipOf(t, entry{name: name, body: "module example.org/M\n"}))
		if _, err := f.Layer(t.Context(), src, locked, "", "", 0); err == nil || !strings.Contains(err.Error(), "example.org/M@v1.0.0/") {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	locked.Name = "../M"
	if _, err := f.Layer(t.Context(), src, locked, "", "", 0); err == nil || !strings.Contains(err.Error(), "malformed module path") {
		t.Errorf("got %v", err)
	}
}
