package linked

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var machine = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]

// sources are those of a library of two objects with code and one without, of
// another that is like it, and of a program. The library reads from the GOT
// and addresses a thread's variable, which linkers rewrite.
var sources = map[string]string{
	"sum.c": `
extern int offset; extern __thread int state; int scale(int);
int sum(const unsigned char *p, int n) {
	unsigned a = 1, b = 0x1234567;
	for (int i = 0; i < n; i++) {
		a = (a * 31 + p[i] + offset) ^ (b >> 7);
		b = (b << 5 | b >> 27) + a * 0x9e3779b9u + state;
		if (a % 1009 == 3) { b ^= scale(a) * 77u; state += 5; } else if (b % 2003 == 9) { a += 0xdeadbeef; offset -= 3; }
		switch (p[i] & 15) {
		case 1: a ^= 0x1111abcd; break; case 2: b += a * 13; break; case 4: a -= b / 3; break;
		case 7: b *= 2654435761u; break; case 11: a = a << 9 | a >> 23; break; case 13: b ^= a; state++; break;
		}
	}
	return a ^ b;
}`,
	"scale.c": `
int offset; __thread int state;
int scale(int x) {
	unsigned r = x;
	for (int i = 1; i < 9; i++) { r = r * 1103515245u + 12345u * i; r ^= r >> 11; r = r << 7 ^ (r * 0x27d4eb2fu); if (r & 64) r -= 0x5bd1e995u / i; else r += i * 0x1b873593u; }
	return r ^ offset;
}`,
	"unused.c": `
int unused(unsigned x, unsigned y) {
	while (y--) {
		x = x * 747796405u + 2891336453u; x ^= x >> 16; x = x * 0x85ebca6bu ^ x << 3; x ^= x >> 13; x += 0xc2b2ae35u * y;
		if (x % 77 == 5) x = x * 0xcc9e2d51u + 0x38495ab5u; else x = (x << 15 | x >> 17) * 0x96cd1c35u - y / 11;
		if (x % 51 == 7) y ^= x / 0x561ccd1bu; else x ^= y * 0x0bcaa747u + 0x52dce729u;
	}
	return x;
}`,
	"table.c": `int table[300] = {1, 2, 3};`,
	"like.c": `
unsigned sum(const unsigned char *p, int n) { unsigned a = 1, b = 0; while (n--) { a = (a + *p++) % 65521; b = (b + a) % 65521; } return b << 16 | a; }`,
	"main.c":  `int sum(const unsigned char *, int); int main(int c, char **v) { return sum((unsigned char *)v[0], c); }`,
	"share.c": `int sum(const unsigned char *, int); int shared(const unsigned char *p) { return sum(p, 3); }`,
}

// bench is a folder with the sources, and a library of them.
type bench struct {
	testing.TB
	dir string
}

func newBench(t testing.TB) bench {
	t.Helper()
	for _, tool := range []string{"gcc", "ar", "ld", "strip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	b := bench{t, t.TempDir()}
	for name, text := range sources {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.run("gcc -O2 -fPIC -c sum.c scale.c unused.c table.c like.c")
	b.run("mv sum.o the-sum-of-all-bytes.o")
	b.run("ar rcs libdemo.a the-sum-of-all-bytes.o scale.o unused.o table.o")
	b.run("ar rcs liblike.a like.o")
	return b
}

// run runs a command in the folder.
func (b bench) run(command string) {
	b.Helper()
	words := strings.Fields(command)
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec // a command of the test itself
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func (b bench) archive(path string, m elf.Machine) Archive {
	b.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	a, err := ReadArchive(f, filepath.Base(path), m)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func (b bench) find(x *Index, program string) []Found {
	b.Helper()
	f, err := elf.Open(filepath.Join(b.dir, program))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	found, err := x.Find(f)
	if err != nil {
		b.Fatal(err)
	}
	return found
}

func TestFind(t *testing.T) {
	b := newBench(t)
	x := NewIndex([]Archive{b.archive("libdemo.a", machine), b.archive("liblike.a", machine)})
	demo := []Found{{Archive: "libdemo.a", Members: []string{"scale.o", "the-sum-of-all-bytes.o"}, All: 4}}
	for _, c := range []struct {
		name, needs string
		commands    []string
		want        []Found
	}{
		{"position independent", "", []string{"gcc -o out main.c -L. -ldemo"}, demo},
		{"at fixed addresses", "", []string{"gcc -no-pie -o out main.c -L. -ldemo"}, demo},
		{"stripped", "", []string{"gcc -s -o out main.c -L. -ldemo", "strip --strip-all out"}, demo},
		{"optimised while linked", "", []string{"gcc -O2 -flto -o out main.c -L. -ldemo -Wl,--gc-sections"}, demo},
		{"static", "", []string{"gcc -static -o out main.c -L. -ldemo"}, demo},
		{"shared library", "", []string{"gcc -shared -fPIC -o out share.c -L. -ldemo"}, demo},
		{"linked in part", "", []string{"gcc -c main.c", "ld -r -o part.o main.o libdemo.a", "gcc -o out part.o"}, demo},
		{"through another archive", "", []string{"ar x libdemo.a", "gcc -c main.c", "ar rcs libown.a main.o the-sum-of-all-bytes.o scale.o", "gcc -o out -Wl,--whole-archive libown.a -Wl,--no-whole-archive"}, demo},
		{"gold", "ld.gold", []string{"gcc -fuse-ld=gold -o out main.c -L. -ldemo -Wl,--icf=all"}, demo},
		{"lld", "ld.lld", []string{"gcc -fuse-ld=lld -o out main.c -L. -ldemo -Wl,--icf=all"}, demo},
		{"mold", "ld.mold", []string{"gcc -fuse-ld=mold -o out main.c -L. -ldemo"}, demo},
		{"clang", "clang", []string{"clang -o out main.c -L. -ldemo"}, demo},
		{"dynamic", "", []string{"gcc -shared -o libshared.so the-sum-of-all-bytes.o scale.o", "gcc -o out main.c -L. -lshared"}, nil},
		{"compiled anew", "", []string{"gcc -O1 -o out main.c sum.c scale.c"}, nil},
		{"too short to tell", "", []string{"gcc -o out main.c -L. -llike"}, nil},
		{"without", "", []string{"gcc -c share.c", "gcc -o out -shared share.o"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.needs != "" {
				if _, err := exec.LookPath(c.needs); err != nil {
					t.Skipf("there is no %s", c.needs)
				}
			}
			b := bench{t, b.dir}
			for _, command := range c.commands {
				b.run(command)
			}
			if diff := cmp.Diff(c.want, b.find(x, "out")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What two archives hold is that of which there is more, or the first.
func TestFindSameInTwo(t *testing.T) {
	b := newBench(t)
	b.run("ar rcs libpart.a the-sum-of-all-bytes.o unused.o")
	b.run("gcc -o out main.c -L. -ldemo")
	demo, part := b.archive("libdemo.a", machine), b.archive("libpart.a", machine)
	got := b.find(NewIndex([]Archive{part, demo}), "out")
	if len(got) != 1 || got[0].Archive != "libdemo.a" {
		t.Errorf("got %+v, want libdemo.a alone", got)
	}
	other := demo
	other.Path = "libagain.a"
	if got := b.find(NewIndex([]Archive{demo, other}), "out"); len(got) != 1 || got[0].Archive != "libdemo.a" {
		t.Errorf("got %+v, want the first alone", got)
	}
}

func TestFindCrossCompiled(t *testing.T) {
	const gcc = "aarch64-linux-gnu-gcc"
	if _, err := exec.LookPath(gcc); err != nil {
		t.Skipf("there is no %s", gcc)
	}
	b := newBench(t)
	b.run(gcc + " -O2 -fPIC -c sum.c scale.c")
	b.run("ar rcs libcross.a sum.o scale.o")
	b.run(gcc + " -o out main.c -L. -lcross")
	got := b.find(NewIndex([]Archive{b.archive("libcross.a", elf.EM_AARCH64)}), "out")
	if diff := cmp.Diff([]Found{{"libcross.a", []string{"scale.o", "sum.o"}, 2}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a := b.archive("libcross.a", elf.EM_X86_64); a.Members != 0 || a.Codes != nil {
		t.Errorf("it has %d objects of another machine", a.Members)
	}
}

// The C library of this machine is found in a static program, and not in a
// dynamic one.
func TestFindLibc(t *testing.T) {
	b := newBench(t)
	out, err := exec.Command("gcc", "-print-file-name=libc.a").Output()
	path := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(path) {
		t.Skip("there is no libc.a")
	}
	x := NewIndex([]Archive{b.archive(path, machine)})
	b.run("gcc -static -o static main.c sum.c scale.c")
	b.run("gcc -o dynamic main.c sum.c scale.c")
	if got := b.find(x, "static"); len(got) != 1 || len(got[0].Members) < 50 {
		t.Errorf("a static program has %+v", got)
	}
	if got := b.find(x, "dynamic"); got != nil {
		t.Errorf("a dynamic program has %+v", got)
	}
}

func TestReadArchive(t *testing.T) {
	b := newBench(t)
	a := b.archive("libdemo.a", machine)
	var names []string
	for _, c := range a.Codes {
		names = append(names, c.Member)
	}
	if diff := cmp.Diff([]string{"the-sum-of-all-bytes.o", "scale.o", "unused.o"}, names); diff != "" || a.Members != 4 {
		t.Errorf("%d objects (-want +got):\n%s", a.Members, diff)
	}
	if again := b.archive("libdemo.a", machine); !cmp.Equal(a, again) {
		t.Error("it differs when read again")
	}
	b.run("ar rcsT libthin.a scale.o unused.o")
	if a := b.archive("libthin.a", machine); a.Members != 0 {
		t.Errorf("a thin archive has %d objects", a.Members)
	}
	whole, err := os.ReadFile(filepath.Join(b.dir, "libdemo.a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"linker script":    "/* GNU ld script */\nGROUP ( /usr/lib/libm-2.41.a )",
		"empty":            "",
		"no members":       arMagic,
		"cut off":          string(whole[:len(whole)-500]),
		"cut off a header": string(whole) + "half of a header",
		"bad header":       arMagic + strings.Repeat("x", 60),
		"no such name":     arMagic + "/7              0           0     0     644     0         `\n",
	} {
		if a, err := ReadArchive(strings.NewReader(data), "lib.a", machine); err != nil || a.Members != 0 || a.Codes != nil {
			t.Errorf("%s: got %d objects, %v, want none", name, a.Members, err)
		}
	}
	broken := io.MultiReader(bytes.NewReader(whole[:len(whole)-500]), iotest.ErrReader(errors.New("broken")))
	if _, err := ReadArchive(broken, "lib.a", machine); err == nil || !strings.HasSuffix(err.Error(), "lib.a: broken") {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func FuzzReadArchive(f *testing.F) {
	member := func(name, data string) string {
		pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
		return pad(name, 48) + pad("4", 10) + "`\n" + data
	}
	f.Add([]byte(arMagic + member("//", "a/\n\n") + member("/0", "\x7fELF") + member("b.o/", "text")))
	f.Add([]byte("!<thin>\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range []elf.Machine{elf.EM_X86_64, elf.EM_AARCH64} {
			a, err := ReadArchive(bytes.NewReader(data), "lib.a", m)
			if err != nil {
				continue
			}
			for _, c := range a.Codes {
				if len(c.Runs) < fewest || c.Weight > c.Size {
					t.Errorf("%+v", c)
				}
			}
			NewIndex([]Archive{a}).search(data, 0)
		}
	})
}

func BenchmarkFind(bm *testing.B) {
	b := newBench(bm)
	x := NewIndex([]Archive{b.archive("libdemo.a", machine)})
	text := make([]byte, 16<<20)
	for i := range text {
		text[i] = byte(i * i >> 7) //nolint:gosec // any bytes will do
	}
	bm.SetBytes(int64(len(text)))
	for bm.Loop() {
		x.search(text, 0)
	}
}
