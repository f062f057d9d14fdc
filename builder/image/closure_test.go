package image

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// libDir is where Debian's packages put libraries on this machine.
var libDir = "/usr/lib/" + triplets[platform]

// loader is the dynamic loader that executable asks for.
func loader(t testing.TB) string {
	t.Helper()
	p, err := readProgram(entries(binary("/x", executable(t, "")))[0])
	if err != nil || p == nil || len(p.interpreters) != 1 {
		t.Fatalf("reading an executable: %+v, %v", p, err)
	}
	return p.interpreters[0]
}

// withLibc locks a C library that is nothing but a loader and a name.
func withLibc(t testing.TB) *bed {
	t.Helper()
	b := newBed(t)
	b.build(t, "libc6", copyright("libc6"), file(merged(loader(t)), library(t, "ld.so")), file(libDir+"/libc.so.6", library(t, "libc.so.6")))
	return b
}

func TestClosure(t *testing.T) {
	b := withLibc(t)
	b.build(t, "libdirect1", copyright("libdirect1"), symlink(libDir+"/libdirect.so.1", "libdirect.so.1.0"),
		file(libDir+"/libdirect.so.1.0", library(t, "libdirect.so.1", "libdeep.so.2", "libc.so.6")))
	b.build(t, "libdeep2", symlink("/usr/share/doc/libdeep2", "libdeep-base"), file(libDir+"/libdeep.so.2", library(t, "libdeep.so.2")))
	b.build(t, "libdeep-base", copyright("libdeep-base"))
	b.build(t, "libunused1", copyright("libunused1"), file(libDir+"/libunused.so.1", library(t, "libunused.so.1")))

	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "libdirect.so.1"))))
	want := map[string]string{
		"libc6": loader(t) + " for /usr/bin/hello", "libdirect1": "libdirect.so.1 for /usr/bin/hello",
		"libdeep2": "libdeep.so.2 for " + libDir + "/libdirect.so.1.0",
	}
	if diff := cmp.Diff(want, res.Added); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, p := range res.Content.Packages {
		got = append(got, p.Name)
		if p.Copyright == "" {
			t.Errorf("%s has no copyright", p.Name)
		}
	}
	if diff := cmp.Diff([]string{"ca-certificates", "libc6", "libdeep-base", "libdeep2", "libdirect1", "tzdata"}, got); diff != "" {
		t.Error(diff)
	}
	for _, p := range []string{libDir + "/libdeep.so.2", "/usr/share/doc/libdeep-base/copyright", "/var/lib/dpkg/status.d/libdirect1"} {
		if _, ok := find(res, p); !ok {
			t.Errorf("%s is not in the image", p)
		}
	}
}

func TestStaticProgramNeedsNothing(t *testing.T) {
	in := newBed(t).input(newRecipe(), binary("/usr/bin/hello", cc(t, "void _start(void) {}", "-static-pie", "-fPIE", "-nostdlib")))
	in.Lists = nil // not asked for
	if res := assemble(t, in); len(res.Added) > 0 {
		t.Errorf("added %v", res.Added)
	}
}

func TestRunpath(t *testing.T) {
	own := func(where string) item { return file(where+"/libown.so.1", library(t, "libown.so.1")) }
	for _, c := range []struct {
		name, runpath, where string
		found                bool
	}{
		{"$ORIGIN", "$ORIGIN/../lib/hello", "/usr/lib/hello", true},
		{"${ORIGIN}", "${ORIGIN}/../lib/hello", "/usr/lib/hello", true},
		{"absolute", "/opt/hello/lib", "/opt/hello/lib", true},
		{"second", "/nowhere:/opt/hello/lib", "/opt/hello/lib", true},
		{"unmerged", "/lib/hello", "/usr/lib/hello", true},
		{"relative", "lib", "/usr/bin/lib", false},
		{"elsewhere", "/opt/other", "/opt/hello/lib", false},
		{"default folder", "", "/usr/lib", true},
		{"Debian's folder", "", libDir, true},
		{"not a default folder", "", "/usr/lib64", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := withLibc(t)
			_, err := Assemble(t.Context(), b.input(newRecipe(), own(c.where), binary("/usr/bin/hello", executable(t, c.runpath, "libown.so.1"))))
			if c.found != (err == nil) {
				t.Errorf("got %v, want found: %v", err, c.found)
			}
		})
	}
}

// A library of the service finds another by the RUNPATH of the program.
func TestRunpathOfTheProgram(t *testing.T) {
	b := withLibc(t)
	assemble(t, b.input(newRecipe(),
		file("/opt/hello/liba.so", library(t, "liba.so", "libb.so")), file("/opt/hello/libb.so", library(t, "libb.so")),
		binary("/usr/bin/hello", executable(t, "/opt/hello", "liba.so", "libb.so"))))
}

func TestNeedError(t *testing.T) {
	b := withLibc(t)
	hello := binary("/usr/bin/hello", executable(t, "", "libown.so.1"))
	for _, c := range []struct {
		name             string
		items            []item
		want, hint, find string
	}{
		{
			"missing", []item{hello}, "assembling image: /usr/bin/hello needs libown.so.1, which neither the image nor a locked package holds",
			"add the Debian package that holds it to image.packages", "",
		},
		{
			"in /usr/local/lib", []item{hello, file("/usr/local/lib/libown.so.1", library(t, "libown.so.1"))},
			"assembling image: /usr/bin/hello needs libown.so.1, which is in /usr/local/lib, where the dynamic loader does not look",
			"link with -Wl,-rpath,/usr/local/lib, or install it into /usr/lib", "/usr/local/lib/libown.so.1",
		},
		{
			"interpreter", []item{binary("/usr/bin/hello", "#!/usr/bin/perl6\n")},
			"assembling image: /usr/bin/hello needs /usr/bin/perl6, which neither", "image.packages", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Assemble(t.Context(), b.input(newRecipe(), c.items...))
			var need *NeedError
			if !errors.As(err, &need) {
				t.Fatalf("got %v, want a NeedError", err)
			}
			if !strings.HasPrefix(err.Error(), c.want) || !strings.Contains(need.Hint(), c.hint) || need.Found != c.find {
				t.Errorf("got %v\n%s\n%s", err, need.Hint(), need.Found)
			}
		})
	}
}

// A package that its list says holds a library, but which does not.
func TestPackageDoesNotHoldIt(t *testing.T) {
	b := withLibc(t)
	b.build(t, "libown1", copyright("libown1"))
	b.lists["libown1.list"] = libDir + "/libown.so.1\n"
	_, err := Assemble(t.Context(), b.input(newRecipe(), binary("/usr/bin/hello", executable(t, "", "libown.so.1"))))
	if err == nil || !strings.Contains(err.Error(), "/usr/bin/hello needs libown.so.1, which the package libown1 should hold but does not") {
		t.Errorf("got %v", err)
	}
}

func TestReadScript(t *testing.T) {
	for line, want := range map[string][]string{
		"#!/bin/sh\n":                            {"/bin/sh"},
		"#! /usr/bin/perl -w\nuse x":             {"/usr/bin/perl"},
		"#!/usr/bin/env python3\n":               {"/usr/bin/env", "/usr/bin/python3"},
		"#!/usr/bin/env -S python3 -u\n":         {"/usr/bin/env", "/usr/bin/python3"},
		"#!/usr/bin/env -S A=b /opt/x/run arg\n": {"/usr/bin/env", "/opt/x/run"},
		"#!/usr/bin/env\n":                       {"/usr/bin/env"},
		"#!\nx":                                  nil,
		"#!relative\n":                           nil,
	} {
		p, err := readProgram(entries(binary("/x", line))[0])
		var got []string
		if p != nil {
			got = p.interpreters
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", line, err, diff)
		}
	}
	if p, err := readProgram(entries(file("/x", "#!/bin/sh\n"))[0]); p != nil || err != nil {
		t.Errorf("a script that nobody may execute: got %+v, %v", p, err)
	}
}

// A script of the service brings a shell, and the refusal says why it is there.
func TestScriptBringsShell(t *testing.T) {
	b := withLibc(t)
	b.build(t, "dash", copyright("dash"), symlink("/bin/sh", "dash"), binary("/bin/dash", "x"))
	_, err := Assemble(t.Context(), b.input(newRecipe(), binary("/usr/bin/hello", "#!/bin/sh\n")))
	want := "shell: /usr/bin/dash: it is a shell; its package is there because of /bin/sh for /usr/bin/hello"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestBrokenELFIsData(t *testing.T) {
	for _, text := range []string{"\x7fELF", "\x7fELF\x02\x01\x01 and nothing more of it", executable(t, "")[:100]} {
		if p, err := readProgram(entries(binary("/x", text))[0]); p != nil || err != nil {
			t.Errorf("%q: got %+v, %v", text, p, err)
		}
	}
}

func TestTree(t *testing.T) {
	root := newTree()
	for _, e := range entries(folder("/usr"), folder("/usr/bin"), symlink("/bin", "usr/bin"), symlink("/abs", "/usr/bin"), file("/usr/bin/x", "x"),
		symlink("/usr/bin/y", "x"), symlink("/loop", "loop"), symlink("/up", "../../../usr"), symlink("/far", "nowhere/at/all")) {
		root.add(e)
	}
	for p, want := range map[string]string{
		"/usr/bin/x": "/usr/bin/x", "/bin/x": "/usr/bin/x", "/bin/y": "/usr/bin/x", "/abs/../bin/x": "/usr/bin/x", "/up/bin/y": "/usr/bin/x",
		"/abs/y": "/usr/bin/x", "/loop": "", "/loop/x": "", "/bin/z": "", "/far": "",
	} {
		e, ok := root.resolve(p)
		if ok != (want != "") || ok && e.Path != want {
			t.Errorf("resolve %s: got %s, %v, want %q", p, e.Path, ok, want)
		}
	}
	for p, want := range map[string]string{
		"/bin/new": "/usr/bin/new", "/bin": "/bin", "/usr/bin/y": "/usr/bin/y", "/abs/d/new": "/usr/bin/d/new", "/far/x": "/nowhere/at/all/x", "/loop/x": "/loop/x", "/new": "/new",
	} {
		if got := root.real(p); got != want {
			t.Errorf("real %s: got %s, want %s", p, got, want)
		}
	}
	for p, want := range map[string]string{"/bin": "/usr/bin", "/usr": "/usr", "/": "/", "/abs/d": "/usr/bin/d"} {
		if got := root.realDir(p); got != want {
			t.Errorf("realDir %s: got %s, want %s", p, got, want)
		}
	}
}

func TestMerged(t *testing.T) {
	for p, want := range map[string]string{"/bin/sh": "/usr/bin/sh", "/lib64/ld.so": "/usr/lib64/ld.so", "/library/x": "/library/x", "/usr/bin/x": "/usr/bin/x", "/lib": "/usr/lib"} {
		if got := merged(p); got != want {
			t.Errorf("%s: got %s, want %s", p, got, want)
		}
	}
}

// FuzzReadProgram reads what a build may have left in $DESTDIR.
func FuzzReadProgram(f *testing.F) {
	f.Add([]byte("#!/usr/bin/env -S python3 -u\n"))
	f.Add([]byte("#!/bin/sh"))
	f.Add([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := readProgram(layer.Entry{File: recipes.File{Path: "/usr/bin/x", Mode: 0o755, Size: int64(len(b))}, Open: entries(file("/x", string(b)))[0].Open})
		if err != nil || p == nil {
			return
		}
		for _, n := range p.needs("x86_64-linux-gnu") {
			for _, where := range n.paths {
				if !path.IsAbs(where) {
					t.Errorf("it is looked for in %q", where)
				}
			}
		}
	})
}
