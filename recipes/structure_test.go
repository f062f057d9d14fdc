package recipes

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseStructureTest(t *testing.T) {
	for name, raw := range inputs(t, "testdata/structure/*.yaml") {
		t.Run(name, func(t *testing.T) {
			tests, err := ParseStructureTest("test.yaml", raw)
			if name != "good" {
				var all *Errors
				if !errors.As(err, &all) || tests != nil {
					t.Fatalf("got %v, %v, want *Errors", tests, err)
				}
				golden(t, "testdata/structure/"+name+".err", err.Error()+"\n")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(tests, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/structure/"+name+".json", string(got)+"\n")
		})
	}
}

func TestLoadReadsStructureTests(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile("testdata/good/go.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "recipe.yaml")
	if err := os.WriteFile(file, append(good, "  - structure-test: structure.yaml\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Load(file)
	if err == nil || !strings.Contains(err.Error(), "recipe.yaml:23:21: reading structure test: openat ") {
		t.Errorf("without the file the error is %v", err)
	}
	outside := filepath.Join(t.TempDir(), "structure.yaml")
	if err := os.WriteFile(outside, []byte("schemaVersion: 2.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "structure.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(file); err == nil || !strings.Contains(err.Error(), "recipe.yaml:23:21: reading structure test: openat structure.yaml: path escapes from parent") {
		t.Errorf("with a link that leads out the error is %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "structure.yaml")); err != nil {
		t.Fatal(err)
	}
	text := "schemaVersion: 2.0.0\ncommandTests:\n  - {name: a, command: /x}\n"
	if err := os.WriteFile(filepath.Join(dir, "structure.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	last := r.Tests[len(r.Tests)-1]
	if string(last.StructureText) != text || len(last.Structure) != 1 || last.Structure[0].Pos != (Pos{3, 5}) {
		t.Errorf("the structure test is read as %+v", last)
	}
}

func FuzzParseStructureTest(f *testing.F) {
	for _, name := range []string{"good", "wrong"} {
		raw, err := os.ReadFile("testdata/structure/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tests, err := ParseStructureTest("test.yaml", raw)
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, x := range tests {
			if x.Kind() == "" || x.Title() == "" || x.Pos.Line < 1 {
				t.Errorf("accepted the test %+v", x)
			}
		}
	})
}
