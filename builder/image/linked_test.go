package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// mixing is code enough to be known by.
const mixing = `
unsigned mix(unsigned x, unsigned y) {
	while (y--) {
		x = x * 747796405u + 2891336453u; x ^= x >> 16; x = x * 0x85ebca6bu ^ x << 3; x ^= x >> 13; x += 0xc2b2ae35u * y;
		if (x % 77 == 5) x = x * 0xcc9e2d51u + 0x38495ab5u; else x = (x << 15 | x >> 17) * 0x96cd1c35u - y / 11;
		if (x % 51 == 7) y ^= x / 0x561ccd1bu; else x ^= y * 0x0bcaa747u + 0x52dce729u;
		switch (x & 15) {
		case 1: x ^= 0x1111abcd; break; case 2: y += x * 13; break; case 4: x -= y / 3; break;
		case 7: y *= 2654435761u; break; case 11: x = x << 9 | x >> 23; break; case 13: y ^= x; break;
		}
		x = x * 1103515245u + 12345u * y; x ^= x >> 11; x = x << 7 ^ (x * 0x27d4eb2fu); if (x & 64) x -= 0x5bd1e995u / (y | 1); else x += y * 0x1b873593u;
	}
	return x;
}`

// staticLibrary makes one of an object, and returns it and its path.
func staticLibrary(t testing.TB) (text, path string) {
	t.Helper()
	dir := t.TempDir()
	object := filepath.Join(dir, "mix.o")
	if err := os.WriteFile(object, []byte(cc(t, mixing, "-O2", "-c", "-fPIE")), 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "libmix.a")
	if out, err := exec.Command("ar", "rcs", path, object).CombinedOutput(); err != nil { //nolint:gosec // constant but for the folder
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), path
}

func TestLinked(t *testing.T) {
	library, path := staticLibrary(t)
	static := func(main string, args ...string) string {
		return cc(t, main, append([]string{"-static-pie", "-fPIE", "-nostdlib"}, args...)...)
	}
	holds := binary("/usr/bin/hello", static("unsigned mix(unsigned, unsigned); void _start(void) { mix(1, 2); }", path))
	holdsNot := binary("/usr/bin/other", static("void _start(void) {}"))
	own := binary("/usr/lib/libmix.a", library) // of the service itself: no program
	b := newBed(t)
	b.build(t, "libmix-dev", symlink("/usr/share/doc/libmix-dev", "libmix1"), file(libDir+"/libmix.a", library), file(libDir+"/libm.a", "GROUP ( libmix.a )"))
	b.build(t, "libmix1", copyright("libmix1"), file(libDir+"/libmix.so.1", "x"))
	b.build(t, "libother-dev", copyright("libother-dev"), file("/usr/include/other.h", "x"))

	res := assemble(t, b.input(newRecipe(), holds, holdsNot, own))
	if len(res.Content.Linked) != 1 {
		t.Fatalf("got %+v, want one", res.Content.Linked)
	}
	got := res.Content.Linked[0]
	want := []recipes.LinkedArchive{{Path: libDir + "/libmix.a", Members: 1, All: 1}}
	if diff := cmp.Diff(want, got.Archives); diff != "" || got.Path != "/usr/bin/hello" {
		t.Errorf("%s (-want +got):\n%s", got.Path, diff)
	}
	if p := got.Package; p.Name != "libmix-dev" || p.Version != "1.0-2" || p.Copyright != "Copyright of libmix1\n" || p.Maintainer == "" {
		t.Errorf("got package %+v", p)
	}
	if _, ok := find(res, libDir+"/libmix.a"); ok {
		t.Error("the library is in the image")
	}

	b.fetched = nil
	if res := assemble(t, b.input(newRecipe(), holdsNot)); res.Content.Linked != nil {
		t.Errorf("a program without has %+v", res.Content.Linked)
	}
	for _, name := range b.fetched {
		if name == "libmix-dev" {
			t.Error("the package is read again")
		}
	}
}

// A program that no C linker made is not looked into.
func TestLinkedNotAsked(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module hello\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "hello")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=") //nolint:forbidigo // for the go command
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	b.build(t, "libc6-dev", copyright("libc6-dev"), file(libDir+"/libc.a", "x"))
	in := b.input(newRecipe(), binary("/usr/bin/hello", string(program)))
	in.Lists = func(context.Context) (map[string]string, error) {
		t.Error("asked for the lists")
		return nil, nil
	}
	if res := assemble(t, in); res.Content.Linked != nil {
		t.Errorf("got %+v", res.Content.Linked)
	}
}
