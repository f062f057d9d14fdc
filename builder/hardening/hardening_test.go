package hardening

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program has a buffer on the stack in ten functions, and prints.
var program = func() string {
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include <string.h>\nvoid fill(char *);\n")
	for _, n := range strings.Split("abcdefghij", "") {
		b.WriteString("int " + n + "(int i) { char b[40]; fill(b); return b[i]; }\n")
	}
	b.WriteString("#ifdef MAIN\n__attribute__((noipa)) void fill(char *p) { *p = 1; }\nint main(int c, char **v) { printf(\"%s %d\\n\", *v, a(c)+b(c)); return 0; }\n#endif\n")
	return b.String()
}()

// compile makes a file of C code with gcc.
func compile(t *testing.T, code string, args ...string) *Binary {
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
	if b, err := exec.Command(gcc, append([]string{"-o", out, src, "-O2", "-U_FORTIFY_SOURCE"}, args...)...).CombinedOutput(); err != nil { //nolint:gosec // a compiler and its constant arguments
		t.Fatalf("gcc: %v\n%s", err, b)
	}
	return read(t, out)
}

func read(t *testing.T, file string) *Binary {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := Read("/usr/bin/x", f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var hard = []string{"-DMAIN", "-fPIE", "-pie", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"}

func TestWeaknesses(t *testing.T) {
	with := func(args ...string) []string { return append(slices.Clone(hard), args...) }
	for _, c := range []struct {
		name string
		code string
		args []string
		want []Weakness
	}{
		{"all", program, hard, nil},
		{"stripped", program, with("-s"), nil},
		{"no PIE", program, with("-no-pie", "-fno-pie"), []Weakness{NoPIE}},
		{"partial RELRO", program, with("-Wl,-z,lazy"), []Weakness{NoRELRO}},
		{"no RELRO", program, with("-Wl,-z,norelro"), []Weakness{NoRELRO}},
		{"executable stack", program, with("-Wl,-z,execstack"), []Weakness{NoNX}},
		{"no canary", program, with("-fno-stack-protector"), []Weakness{NoStackProtector}},
		{"no canary, stripped", program, with("-fno-stack-protector", "-s"), []Weakness{NoStackProtector}},
		{"nothing fortified", program, with("-U_FORTIFY_SOURCE"), []Weakness{NoFortify}},
		{"no flag at all", program, []string{"-DMAIN", "-no-pie", "-fno-pie", "-fno-stack-protector", "-Wl,-z,norelro", "-Wl,-z,lazy", "-Wl,-z,execstack"},
			[]Weakness{NoPIE, NoRELRO, NoNX, NoStackProtector, NoFortify}},
		{"library", program, []string{"-shared", "-fPIC", "-fstack-protector-strong", "-Wl,-z,now"}, nil},
		{"lazy library without canary", program, []string{"-shared", "-fPIC", "-fno-stack-protector", "-Wl,-z,lazy"}, []Weakness{NoRELRO, NoStackProtector}},
		{"static", program, []string{"-DMAIN", "-static", "-no-pie", "-fno-pie"}, []Weakness{NoPIE}},
		{"static PIE", program, []string{"-DMAIN", "-static-pie", "-fPIE", "-Wl,-z,now"}, nil},
		{"no buffer, nothing to fortify", "int main(void) { return 0; }", []string{"-fPIE", "-pie", "-fno-stack-protector", "-Wl,-z,now"}, nil},
		{"arguments' addresses", "void init(int *, char ***); int main(int c, char **v) { init(&c, &v); return c; } void init(int *c, char ***v) { *c = ***v; }",
			[]string{"-fPIE", "-pie", "-fstack-protector-strong", "-fno-inline", "-Wl,-z,now"}, nil},
		{"printing a constant", "#include <stdio.h>\nint main(void) { printf(\"x\\n\"); return 0; }", with("-UMAIN"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := compile(t, c.code, c.args...)
			if diff := cmp.Diff(c.want, b.Weaknesses()); diff != "" {
				t.Errorf("%+v\n%s", b, diff)
			}
		})
	}
}

func TestRead(t *testing.T) {
	b := compile(t, program, append(slices.Clone(hard), "-Wl,--enable-new-dtags,-rpath,/opt/lib:$ORIGIN")...)
	b.glibc = false
	want := &Binary{
		Path: "/usr/bin/x", Kind: Program, Language: "c", PIE: true, RELRO: RELROFull, NX: true, Canary: true,
		Fortified: []string{"printf"}, RunPath: []string{"/opt/lib", "$ORIGIN"},
	}
	if diff := cmp.Diff(want, b, cmp.AllowUnexported(Binary{})); diff != "" {
		t.Error(diff)
	}
	if got, want := b.String(), "PIE, full RELRO, NX, stack protector, fortified 1 of 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if b := compile(t, program, "-shared", "-fPIC", "-s"); b.Kind != Library || !b.Stripped || b.Static {
		t.Errorf("a stripped library: got %+v", b)
	}
	if b := compile(t, program, "-DMAIN", "-static"); b.Kind != Program || !b.Static {
		t.Errorf("a static program: got %+v", b)
	}
}

func TestControlFlowGuards(t *testing.T) {
	code := "int f(int i) { return i; }"
	switch runtime.GOARCH {
	case "amd64":
		if b := compile(t, code, "-shared", "-fPIC", "-nostdlib", "-fcf-protection=full"); !b.IBT || !b.SHSTK {
			t.Errorf("got %+v, want IBT and SHSTK", b)
		}
		if b := compile(t, code, "-shared", "-fPIC", "-nostdlib", "-fcf-protection=return"); b.IBT || !b.SHSTK {
			t.Errorf("got %+v, want SHSTK alone", b)
		}
	case "arm64":
		if b := compile(t, code, "-shared", "-fPIC", "-nostdlib", "-mbranch-protection=standard"); !b.BTI || !b.PAC {
			t.Errorf("got %+v, want BTI and PAC", b)
		}
	}
	if b := compile(t, code, "-shared", "-fPIC", "-nostdlib"); b.BTI || b.PAC {
		t.Errorf("got %+v, want neither", b)
	}
}

func TestCrossARM64(t *testing.T) {
	gcc, err := exec.LookPath("aarch64-linux-gnu-gcc")
	if err != nil {
		t.Skip("there is no aarch64-linux-gnu-gcc")
	}
	for _, c := range []struct {
		flag string
		want []Weakness
	}{{"-fno-stack-protector", []Weakness{NoStackProtector}}, {"-fstack-protector-strong", nil}} {
		dir := t.TempDir()
		src, out := filepath.Join(dir, "x.c"), filepath.Join(dir, "out")
		if err := os.WriteFile(src, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-shared", "-fPIC", "-O2", "-mbranch-protection=standard", "-Wl,-z,now", c.flag, "-o", out, src}
		if b, err := exec.Command(gcc, args...).CombinedOutput(); err != nil { //nolint:gosec // a compiler and its constant arguments
			t.Fatalf("%v\n%s", err, b)
		}
		if diff := cmp.Diff(c.want, read(t, out).Weaknesses()); diff != "" {
			t.Errorf("%s: %s", c.flag, diff)
		}
	}
}

// The code of arm64 is looked at without a compiler for it.
func TestBuffersARM64(t *testing.T) {
	code := []byte{
		0xe0, 0x23, 0x00, 0x91, // add x0, sp, #8
		0xfd, 0x03, 0x00, 0x91, // mov x29, sp
		0xe1, 0x43, 0x01, 0x91, // add x1, sp, #0x50
		0x20, 0x20, 0x00, 0x91, // add x0, x1, #8
		0xff, 0x83, 0x00, 0xd1, // sub sp, sp, #0x20
	}
	if got := buffersARM64(code); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
}

// Go's own programs hold all that is asked of Go.
func TestGo(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := read(t, self)
	if b.Language != "go" || b.Kind != Program || !b.NX || slices.Contains(b.Weaknesses(), NoStackProtector) || slices.Contains(b.Weaknesses(), NoFortify) {
		t.Errorf("got %+v", b)
	}
}

func TestNotLoaded(t *testing.T) {
	for _, text := range []string{"", "text", elf.ELFMAG, elf.ELFMAG + "\x02\x01\x01 and nothing more"} {
		if b, err := Read("/x", strings.NewReader(text)); b != nil || err != nil {
			t.Errorf("%q: got %+v, %v", text, b, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	if self, err := os.Executable(); err == nil {
		if b, err := os.ReadFile(self); err == nil {
			f.Add(b[:64<<10])
		}
	}
	f.Add([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Read("/x", bytes.NewReader(b))
		if err == nil && got != nil {
			got.Weaknesses()
		}
	})
}
