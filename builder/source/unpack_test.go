package source

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/layer"
)

func show(t testing.TB, entries []layer.Entry) []string {
	t.Helper()
	var list []string
	for _, e := range entries {
		text := ""
		if e.Open != nil {
			r, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%c %04o %s %s%s", e.Type, e.Mode, e.Path, e.Linkname, text)))
	}
	return list
}

func TestUnpackEveryCompression(t *testing.T) {
	plain := plainHello(t)
	want := []string{
		"5 0755 /hello-1", "0 0644 /hello-1/main.c int main(void) { return 0; }", "0 0755 /hello-1/configure #!/bin/sh",
		"2 0777 /hello-1/doc/link ../main.c", "0 0644 /hello-1/copy.c int main(void) { return 0; }",
	}
	for name, b := range map[string][]byte{
		"tar": plain, "gz": gzipped(t, plain), "zst": zstded(t, plain),
		"xz": read(t, "testdata/hello.tar.xz"), "bz2": read(t, "testdata/hello.tar.bz2"),
		"gz of two members": append(gzipped(t, plain[:1000]), gzipped(t, plain[1000:])...),
	} {
		t.Run(name, func(t *testing.T) {
			u, err := unpackBytes(t, b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, show(t, u.entries)); diff != "" {
				t.Error(diff)
			}
			if u.newest != 1700000000 {
				t.Errorf("newest is %d", u.newest)
			}
		})
	}
}

func TestUnpackZip(t *testing.T) {
	u, err := unpackBytes(t, zipOf(t,
		entry{name: "a/", mode: 0o755}, entry{name: "a/run", body: "#!", mode: 0o700}, entry{name: "a/text", body: "t", mode: 0o600},
		entry{name: "a/link", link: "text", kind: tar.TypeSymlink}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"5 0755 /a", "0 0755 /a/run #!", "0 0644 /a/text t", "2 0777 /a/link text"}
	if diff := cmp.Diff(want, show(t, u.entries)); diff != "" {
		t.Error(diff)
	}
}

func TestUnpackRefuses(t *testing.T) {
	dir := func(n string) entry { return entry{name: n, kind: tar.TypeDir, mode: 0o755} }
	link := func(n, to string) entry { return entry{name: n, link: to, kind: tar.TypeSymlink} }
	hard := func(n, to string) entry { return entry{name: n, link: to, kind: tar.TypeLink} }
	file := func(n string) entry { return entry{name: n, body: "x", mode: 0o644} }
	for _, c := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"absolute", []entry{file("/etc/passwd")}, `refusing entry "/etc/passwd": its path is absolute`},
		{"dots", []entry{file("a/../../x")}, "its path has .. in it"},
		{"only dots", []entry{file("..")}, "its path has .. in it"},
		{"control characters", []entry{file("a\x1b[2Jb")}, `refusing entry "a\x1b[2Jb": its name is empty or has control`},
		{"line break", []entry{file("a\nb")}, "control characters"},
		{"link out", []entry{link("a/l", "../../x")}, `its target "../../x" is outside the archive`},
		{"absolute link", []entry{link("a/l", "/etc/passwd")}, "outside the archive"},
		{"link with control characters", []entry{link("l", "a\x07")}, "control characters"},
		{"link to nothing", []entry{link("l", "")}, "outside the archive"},
		{"entry below a link", []entry{link("a", "b"), file("a/x")}, `refusing entry "a/x": /a is not a folder`},
		{"entry below a file", []entry{file("a"), file("a/x")}, "/a is not a folder"},
		{"deep below a link", []entry{link("a", "."), file("a/b/c/d")}, "/a is not a folder"},
		{"link in the place of a folder", []entry{file("a/x"), link("a", "b")}, "it is in the place of a folder"},
		{"file in the place of a folder", []entry{dir("a"), file("a/x"), file("a")}, "it is in the place of a folder"},
		{"hard link to nothing", []entry{hard("l", "x")}, `it links to "x", which is no earlier file`},
		{"hard link to a later file", []entry{hard("l", "x"), file("x")}, "no earlier file"},
		{"hard link out", []entry{hard("l", "../x")}, "its path has .. in it"},
		{"hard link to a folder", []entry{dir("a"), hard("l", "a")}, "no earlier file"},
		{"hard link through a link", []entry{file("d/x"), link("a", "d"), hard("l", "a/x")}, "/a is not a folder"},
		{"hard link moves a link out", []entry{file("t"), link("a/l", "../t"), hard("l", "a/l")}, `its target "../t" is outside`},
		{"device", []entry{{name: "null", kind: tar.TypeChar}}, "neither a file, a folder nor a link"},
		{"block device", []entry{{name: "sda", kind: tar.TypeBlock}}, "neither a file"},
		{"pipe", []entry{{name: "p", kind: tar.TypeFifo}}, "neither a file"},
		{"root is a file", []entry{file(".")}, "the root is not a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := unpackBytes(t, gzipped(t, tarOf(t, c.entries...)))
			var hostile *HostileError
			if !errors.As(err, &hostile) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnpackZipRefuses(t *testing.T) {
	for want, e := range map[string]entry{
		"outside the archive":    {name: "l", link: "/etc/passwd", kind: tar.TypeSymlink},
		"its target \"../x\" is": {name: "l", link: "../x", kind: tar.TypeSymlink},
		"too long":               {name: "l", link: strings.Repeat("a/", 3000), kind: tar.TypeSymlink},
		"path is absolute":       {name: "/x", body: "x", mode: 0o644},
		".. in it":               {name: "a/../../x", body: "x", mode: 0o644},
		"neither a file":         {name: "null", kind: tar.TypeChar, mode: 0o644},
	} {
		if _, err := unpackBytes(t, zipOf(t, e)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", e.name, err, want)
		}
	}
}

func TestUnpackIsNoArchive(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("<html>not found</html>"), "cut short": gzipped(t, plainHello(t))[:200], "zip without end": []byte("PK\x03\x04....."),
	} {
		if _, err := unpackBytes(t, b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A later entry takes the place of an earlier one of its path, as tar has it.
func TestUnpackDuplicate(t *testing.T) {
	u, err := unpackBytes(t, tarOf(t, entry{name: "f", body: "old"}, entry{name: "g", body: "g"}, entry{name: "f", body: "new"}, entry{name: "./f", link: "g", kind: tar.TypeSymlink}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 0777 /f g", "0 0644 /g g"}, show(t, u.entries)); diff != "" {
		t.Error(diff)
	}
}

// zeros is a stream of n zeros that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestUnpackRefusesBombs unpacks small archives that would become large, by
// content, by number, and by links, each of which is a copy.
func TestUnpackRefusesBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 256 MB to a temporary file")
	}
	for name, b := range map[string][]byte{"tar": bombTar(t), "zip": bombZip(t), "links": bombLinks(t)} {
		_, err := unpackBytes(t, b)
		if err == nil || !strings.Contains(err.Error(), "unpacks to too much") {
			t.Errorf("%s of %d bytes: got %v, want a refusal", name, len(b), err)
		}
	}
	c := collector{seen: maxEntries}
	if err := c.count("x"); err == nil || !strings.Contains(err.Error(), "over 500000 entries") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// FuzzUnpack holds what unpacks against the rules: whatever comes, every path
// is absolute and clean, occurs once, is below folders only, and no link leads
// out.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"hello.tar.xz", "hello.tar.bz2"} {
		f.Add(read(f, filepath.Join("testdata", name)))
	}
	f.Add(gzipped(f, plainHello(f)))
	f.Add(tarOf(f, entry{name: "a", link: "b", kind: tar.TypeSymlink}, entry{name: "a/x", body: "x"}))
	f.Add(tarOf(f, entry{name: "a", body: "x"}, entry{name: "b", link: "a", kind: tar.TypeLink}, entry{name: "./a", kind: tar.TypeDir}))
	f.Add(zipOf(f, entry{name: "a/l", link: "../x", kind: tar.TypeSymlink}, entry{name: "x", body: "x", mode: 0o755}))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := unpackBytes(t, b)
		if err != nil {
			return
		}
		kind := map[string]byte{}
		for _, e := range u.entries {
			if _, twice := kind[e.Path]; twice || !path.IsAbs(e.Path) || path.Clean(e.Path) != e.Path || e.Path == "/" || hasControl(e.Path) {
				t.Errorf("accepted the path %q", e.Path)
			}
			kind[e.Path] = e.Type
			if e.Type == tar.TypeSymlink && !inside(e.Path, e.Linkname) {
				t.Errorf("accepted the link %q to %q", e.Path, e.Linkname)
			}
			if e.Type == tar.TypeReg && (e.Open == nil || e.Linkname != "") {
				t.Errorf("%q is a file without content", e.Path)
			}
		}
		for p := range kind {
			for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
				if k, ok := kind[dir]; ok && k != tar.TypeDir {
					t.Errorf("%q is below %q, which is no folder", p, dir)
				}
			}
		}
	})
}

func bombTar(t testing.TB) []byte {
	t.Helper()
	return packed(t, func(w *tar.Writer) {
		size := int64(freeBytes + 1)
		if err := w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: size}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, zeros(size)); err != nil {
			t.Fatal(err)
		}
	})
}

func bombLinks(t testing.TB) []byte {
	t.Helper()
	return packed(t, func(w *tar.Writer) {
		size := int64(1 << 20)
		if err := w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: size}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, zeros(size)); err != nil {
			t.Fatal(err)
		}
		for i := range int64(freeBytes) / size {
			if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Linkname: "zeros", Typeflag: tar.TypeLink}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func bombZip(t testing.TB) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "zeros")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<20), f.Close()); err != nil {
		t.Fatal(err)
	}
	body := string(read(t, name))
	var entries []entry
	for i := range int64(freeBytes)>>20 + 1 {
		entries = append(entries, entry{name: fmt.Sprint(i), body: body, mode: 0o644})
	}
	return zipOf(t, entries...)
}

func packed(t testing.TB, fill func(*tar.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return zstded(t, b.Bytes())
}

func TestStrip(t *testing.T) {
	n := func(i int) *int { return &i }
	entries := func(paths ...string) []layer.Entry {
		var list []layer.Entry
		for _, p := range paths {
			e := layer.Entry{}
			e.Path, e.Type = strings.TrimSuffix(p, "/"), tar.TypeReg
			if strings.HasSuffix(p, "/") {
				e.Type = tar.TypeDir
			}
			list = append(list, e)
		}
		return list
	}
	for _, c := range []struct {
		name  string
		in    []layer.Entry
		strip *int
		want  []string
	}{
		{"one top folder", entries("/a/", "/a/x", "/a/b/y"), nil, []string{"/x", "/b/y"}},
		{"top folder without an entry", entries("/a/x", "/a/b/y"), nil, []string{"/x", "/b/y"}},
		{"two top folders", entries("/a/x", "/b/y"), nil, []string{"/a/x", "/b/y"}},
		{"a file at the top", entries("/a/x", "/README"), nil, []string{"/a/x", "/README"}},
		{"one file", entries("/x"), nil, []string{"/x"}},
		{"none", entries("/a/x"), n(0), []string{"/a/x"}},
		{"one", entries("/a/x", "/b/y", "/z"), n(1), []string{"/x", "/y"}},
		{"two", entries("/a/b/", "/a/b/x", "/a/y"), n(2), []string{"/x"}},
		{"all", entries("/a/x"), n(3), nil},
	} {
		var got []string
		for _, e := range strip(c.in, c.strip) {
			got = append(got, e.Path)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}
