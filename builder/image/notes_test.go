package image

import (
	bin "encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// calling is a program that imports functions of a library of which there is
// nothing but their names.
func calling(t testing.TB, functions ...string) string {
	t.Helper()
	var code, stub strings.Builder
	code.WriteString("void _start(void) {\n")
	for _, f := range functions {
		stub.WriteString("void " + f + "(void) {}\n")
		code.WriteString("extern void " + f + "(void); " + f + "();\n")
	}
	code.WriteString("}\n")
	so := filepath.Join(t.TempDir(), "stub.so")
	if err := os.WriteFile(so, []byte(cc(t, stub.String(), "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-Wl,-soname,libc.so.6")), 0o600); err != nil {
		t.Fatal(err)
	}
	return cc(t, code.String(), "-nostdlib", "-fno-builtin", "-pie", "-fPIE", "-Wl,-z,now", so)
}

func TestNotes(t *testing.T) {
	for _, c := range []struct {
		name    string
		program string
		more    []item
		want    []Note
	}{
		{"nothing", executable(t, "", "libc.so.6"), nil, nil},
		{"hosts", calling(t, "getaddrinfo"), nil, []Note{{Path: "/usr/bin/hello", Text: topics[6].text}}},
		{"character sets", calling(t, "iconv_open"), nil, []Note{{Path: "/usr/bin/hello", Text: topics[4].text, Packages: topics[4].packages}}},
		{"character sets that are there", calling(t, "iconv_open"), []item{file(libDir+"/gconv/EUC-KR.so", "x")}, nil},
		{"locale and dlopen", calling(t, "setlocale", "dlopen"), nil, []Note{
			{Path: "/usr/bin/hello", Text: topics[5].text, Packages: topics[5].packages}, {Path: "/usr/bin/hello", Text: topics[7].text},
		}},
		{"OpenSSL", executable(t, "", "libcrypto.so.3"), []item{file(libDir+"/libcrypto.so.3", library(t, "libcrypto.so.3"))},
			[]Note{{Path: "/usr/bin/hello", Text: topics[0].text, Packages: []string{"openssl-provider-legacy"}}}},
		{"two of PAM", executable(t, "", "libpam.so.0"), []item{file(libDir+"/libpam.so.0", library(t, "libpam.so.0")), binary("/usr/bin/other", executable(t, "", "libpam.so.0"))},
			[]Note{{Path: "/usr/bin/hello", Text: topics[1].text + " (and 1 more files)", Packages: []string{"libpam-modules"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := assemble(t, withLibc(t).input(newRecipe(), append(slices.Clone(c.more), binary("/usr/bin/hello", c.program))...))
			if diff := cmp.Diff(c.want, res.Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// dlopenNote is the assembler of a note as ELF_DLOPEN_METADATA has it.
func dlopenNote(json string) string {
	quoted := strings.ReplaceAll(json, `"`, `\\\"`)
	return `__asm__(".section .note.dlopen,\"a\",%note\n.balign 4\n.long 4\n.long 2f-1f\n.long 0x407c0c0a\n.asciz \"FDO\"\n1: .asciz \"` + quoted + `\"\n2: .balign 4\n.previous\n"); void _start(void) {}`
}

func TestDlopenMetadata(t *testing.T) {
	list := `[{"feature":"x","description":"Compression","priority":"recommended","soname":["libopt.so.2","libopt.so.1"]},{"soname":["libthere.so.1"]},{"soname":[]}]`
	program := cc(t, dlopenNote(list), "-nostdlib", "-pie", "-fPIE")
	b := withLibc(t)
	b.build(t, "libopt1", copyright("libopt1"), file(libDir+"/libopt.so.1", library(t, "libopt.so.1")))
	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", program), file("/usr/lib/libthere.so.1", library(t, "libthere.so.1"))))
	want := []Note{{Path: "/usr/bin/hello", Text: "it opens libopt.so.2 where there is one: Compression (recommended)", Packages: []string{"libopt1"}}}
	if diff := cmp.Diff(want, res.Notes); diff != "" {
		t.Error(diff)
	}
}

// A library of a package that needs what its package does not depend on is
// for a feature that the service may not use.
func TestOptionalLibrary(t *testing.T) {
	b := withLibc(t)
	b.build(t, "libdirect1", copyright("libdirect1"), file(libDir+"/libdirect.so.1", library(t, "libdirect.so.1", "libabsent.so.1")))
	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "libdirect.so.1"))))
	want := []Note{{Path: libDir + "/libdirect.so.1", Text: "it opens libabsent.so.1 for what its package does without"}}
	if diff := cmp.Diff(want, res.Notes); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadOptional(f *testing.F) {
	f.Add([]byte(`[{"soname":["libx.so.1"]}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		note := bin.LittleEndian.AppendUint32(nil, 4)
		note = bin.LittleEndian.AppendUint32(note, uint32(len(b))) //nolint:gosec // a fuzzer's input is small
		note = append(bin.LittleEndian.AppendUint32(note, dlopenKind), "FDO\x00"...)
		parseOptional(bin.LittleEndian, append(note, b...))
		parseOptional(bin.LittleEndian, b)
	})
}
