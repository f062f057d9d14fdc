package image

import (
	"io"
	"strings"
	"testing"
)

func TestWithoutEnv(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"#!/usr/bin/env node\nx\n", "#!/usr/bin/node\nx\n"},
		{"#!/bin/env node\nx\n", "#!/usr/bin/node\nx\n"},
		{"#! /usr/bin/env  python3 \nx", "#!/usr/bin/python3\nx"},
		{"#!/usr/bin/env own\n", "#!/opt/bin/own\n"},
		{"#!/usr/bin/env node", "#!/usr/bin/node"},
		{"#!/usr/bin/env -S node --trace\nx", "#!/usr/bin/node --trace\nx"},
		// What env has to do itself.
		{"#!/usr/bin/env -S node --a --b\n", ""},
		{"#!/usr/bin/env -i node\n", ""},
		{"#!/usr/bin/env A=1 node\n", ""},
		{"#!/usr/bin/env\n", ""},
		{"#!/bin/sh\n", ""},
		{"#!\n", ""},
		{"text\n", ""},
	} {
		want := c.want
		if want == "" {
			want = c.script
		}
		got, err := withoutEnv(entries(binary("/usr/bin/x", c.script))[0], func(name string) string {
			if name == "own" {
				return "/opt/bin/own"
			}
			return "/usr/bin/" + name
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it can be read more than once
			r, err := got.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil || string(text) != want || got.Size != int64(len(want)) {
				t.Errorf("%q: got %q of %d bytes, %v, want %q", c.script, text, got.Size, err, want)
			}
		}
	}
}

// A script is given to what the image's PATH finds, and env stays away.
func TestScriptWithoutEnv(t *testing.T) {
	b := newBed(t)
	b.build(t, "coreutils", copyright("coreutils"), binary("/usr/bin/env", "x"))
	b.build(t, "python3-minimal", copyright("python3-minimal"), binary("/usr/bin/python3", "x"))
	r := newRecipe()
	r.Image.Env = map[string]string{"PATH": "/opt/bin:/usr/bin"}
	res := assemble(t, b.input(r, binary("/usr/bin/hello", "#!/usr/bin/env python3\n"), binary("/usr/bin/other", "#!/usr/bin/env own\n"), binary("/opt/bin/own", "x")))
	if len(res.Added) != 1 || !strings.Contains(res.Added["python3-minimal"], "/usr/bin/python3 for /usr/bin/hello") {
		t.Errorf("added %v", res.Added)
	}
	for p, want := range map[string]string{"/usr/bin/hello": "#!/usr/bin/python3\n", "/usr/bin/other": "#!/opt/bin/own\n"} {
		if f, ok := find(res, p); !ok || f.SHA256 != sum(want) {
			t.Errorf("%s: got %+v", p, f)
		}
	}
}

// Where the image has an env, scripts stay as they are.
func TestScriptWithEnv(t *testing.T) {
	b := newBed(t)
	b.image(t, "coreutils", copyright("coreutils"), binary("/usr/bin/env", "x"))
	r := newRecipe()
	r.Image.Packages = []string{"coreutils"}
	script := "#!/usr/bin/env hello2\n"
	res := assemble(t, b.input(r, binary("/usr/bin/hello", script), binary("/usr/bin/hello2", "x")))
	if f, ok := find(res, "/usr/bin/hello"); !ok || f.SHA256 != sum(script) {
		t.Errorf("got %+v", f)
	}
}
