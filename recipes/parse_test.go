package recipes

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Run the tests with -update to write the golden files anew; then read them.
var update = flag.Bool("update", false, "write golden files")

// golden compares got with the file beside the input.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// inputs are the files that match, by name without extension.
func inputs(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash(pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s matches nothing (%v)", pattern, err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))] = raw
	}
	return all
}

func TestParseGood(t *testing.T) {
	for name, raw := range inputs(t, "testdata/good/*.yaml") {
		t.Run(name, func(t *testing.T) {
			r, err := Parse("recipe.yaml", raw)
			if err != nil {
				t.Fatal(err)
			}
			if string(r.Raw) != string(raw) {
				t.Error("Raw is not the text")
			}
			r.Raw = nil
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/good/"+name+".json", string(got)+"\n")
		})
	}
}

func TestParseWrong(t *testing.T) {
	for name, raw := range inputs(t, "testdata/wrong/*.yaml") {
		t.Run(name, func(t *testing.T) {
			r, err := Parse("recipe.yaml", raw)
			var all *Errors
			if !errors.As(err, &all) || r != nil {
				t.Fatalf("got %v, %v, want *Errors", r, err)
			}
			golden(t, "testdata/wrong/"+name+".err", err.Error()+"\n")
		})
	}
}

func TestParseWrongIsDeterministic(t *testing.T) {
	all := inputs(t, "testdata/wrong/*.yaml")
	for name, raw := range all {
		_, err := Parse("recipe.yaml", raw)
		for range 25 {
			if _, again := Parse("recipe.yaml", raw); again.Error() != err.Error() {
				t.Fatalf("%s: got\n%v\nafter\n%v", name, again, err)
			}
		}
	}
}

func TestParseBoundsSubstitution(t *testing.T) {
	raw := "kiln: v1\nversion: 1\nvars: {a: " + strings.Repeat("x", 1<<16) + "}\nsummary: " +
		strings.Repeat("${vars.a}", 1<<10) + "\n"
	_, err := Parse("recipe.yaml", []byte(raw))
	if err == nil || !strings.Contains(err.Error(), "recipe.yaml:4:10: substitutions add more than") {
		t.Errorf("got %.300v, want a bound on substitutions", err)
	}
}

func TestParseBoundsSize(t *testing.T) {
	_, err := Parse("recipe.yaml", slices.Repeat([]byte("#"), maxBytes+1))
	if err == nil || !strings.Contains(err.Error(), "bytes, more than") {
		t.Errorf("got %v, want a bound on the size", err)
	}
}

func TestLoad(t *testing.T) {
	r, err := Load("testdata/good/go.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if r.File != "testdata/good/go.yaml" {
		t.Errorf("File is %q", r.File)
	}
	if _, err := Load("testdata/none.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestPos(t *testing.T) {
	r, err := Load("testdata/good/go.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Pos{
		"version":                  {3, 10},
		"sources[0]":               {11, 5},
		"sources[0].go":            {11, 9},
		"build.toolchain":          {13, 14},
		"build.steps[0].go.output": {15, 20},
		"image.user":               {17, 3}, // not there: where image is
		"platforms[0]":             {1, 1},
	} {
		if got := r.Pos(path); got != want {
			t.Errorf("Pos(%q) is %v, want %v", path, got, want)
		}
	}
	if r.Sources[0].Pos != (Pos{11, 5}) || r.Build.Steps[0].Pos != (Pos{15, 7}) || r.Tests[0].Pos != (Pos{21, 5}) {
		t.Errorf("got %v %v %v", r.Sources[0].Pos, r.Build.Steps[0].Pos, r.Tests[0].Pos)
	}
}

func TestTexts(t *testing.T) {
	r, err := Load("testdata/good/c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Sources {
		got = append(got, s.String())
	}
	for _, s := range r.Build.Steps {
		got = append(got, s.Kind())
	}
	for _, x := range r.Tests {
		got = append(got, x.Title())
	}
	want := []string{
		"archive x-18.tar.gz", "git b.git@v18@0123456789abcdef0123456789abcdef01234567",
		"go example.org/m@v1.2.3-0.20240102030405-0123456789ab", "debian zlib", "debian nginx=1.26.3-3+deb13u1",
		"local ../src", "local .",
		"make", "make", "autotools", "go", "run", "run", "run",
		"says its version", "/usr/bin/x check",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		expected, output string
		want             bool
	}{
		{"", "anything", true},
		{"v1.2", "hello v1.2\n", true},
		{"v1.2", "hello v1x2\n", false},
		{`/^v\d+$/`, "v12", true},
		{`/^v\d+$/`, "a v12", false},
		{"//", "a//b", true},
		{"/", "a", false},
		{"/(/", "(", false},
	} {
		if got := Matches(c.expected, []byte(c.output)); got != c.want {
			t.Errorf("Matches(%q, %q) = %v", c.expected, c.output, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "wrong"} {
		files, _ := filepath.Glob("testdata/" + dir + "/*.yaml")
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Parse("recipe.yaml", raw)
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, s := range r.Sources {
			if s.Kind() == "" || !isBelow(s.Into) {
				t.Errorf("accepted the source %+v", s)
			}
		}
		if !isAbsolute(r.Image.Entrypoint[0]) || !isAbsolute(r.Image.Home) || len(r.Platforms) != 1 {
			t.Errorf("accepted %+v", r)
		}
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	var all *Errors
	if !errors.As(err, &all) || len(all.Problems) == 0 {
		t.Fatalf("got %v, want *Errors", err)
	}
	for _, p := range all.Problems {
		if p.Pos.Line < 1 || p.Pos.Col < 1 || p.Msg == "" {
			t.Errorf("problem without a place or message: %+v", p)
		}
	}
}
