package lint

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// Run the tests with -update to write the golden files anew; then read them.
var update = flag.Bool("update", false, "write golden files")

func TestCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var b strings.Builder
			for _, f := range Check(input(t, file)) {
				fmt.Fprintf(&b, "%d:%d %s %s: %s\n", f.Pos.Line, f.Pos.Col, f.Level, f.Rule, f.Msg)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", b.String())
		})
	}
}

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

func input(t *testing.T, file string) Input {
	t.Helper()
	r, err := recipes.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r.File = filepath.Base(file)
	return Input{Recipe: r, ToolchainPackages: func(string) ([]string, error) { return []string{"gcc", "make"}, nil }}
}

// TestEveryRule makes sure that each rule is seen to find something.
func TestEveryRule(t *testing.T) {
	seen := map[string]bool{}
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		for _, f := range Check(input(t, file)) {
			seen[f.Rule] = true
		}
	}
	stale := input(t, "testdata/root.yaml")
	stale.Lock = &recipes.Lock{Kiln: recipes.FormatVersion}
	stale.Today, stale.VEX = "2026-11-22", &recipes.VEX{Statements: []recipes.VEXStatement{{Expires: "2026-11-21"}}}
	_, err := recipes.Parse("recipe.yaml", []byte("kiln: v1\n"))
	var wrong *recipes.Errors
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(Check(stale), Wrong(wrong), atEnd(t), twice(t)) {
		seen[f.Rule] = true
	}
	for _, r := range Rules() {
		if !seen[r.ID] {
			t.Errorf("nothing is found by %s", r.ID)
		}
		if r.Text == "" || r.Fix == "" {
			t.Errorf("%s has no text or no fix", r.ID)
		}
	}
}

// atEnd is what is found of a recipe shortly before its end, and long after.
func atEnd(t *testing.T) (found []Finding) {
	in := input(t, "testdata/root.yaml")
	in.Recipe.EOL, in.EOL = "2026-11-22", recipes.CatalogEOL{Warn: "10d", Grace: "5d"}
	for day, want := range map[string]string{
		"2026-11-11": "", "2026-11-13": RuleEndNear, "2026-11-23": RuleEndNear, "2026-11-27": RuleEndNear, "2026-11-28": RuleEndOfLife,
	} {
		in.Today = day
		got := ""
		for _, f := range Check(in) {
			if f.Rule == RuleEndNear || f.Rule == RuleEndOfLife {
				found, got = append(found, f), f.Rule
			}
		}
		if got != want {
			t.Errorf("on %s: found %q, want %q", day, got, want)
		}
	}
	return found
}

// twice is what is found of two recipes with the same tag.
func twice(t *testing.T) []Finding {
	first, second := input(t, "testdata/root.yaml").Recipe, input(t, "testdata/root.yaml").Recipe
	second.File = "second.yaml"
	found := Catalog(&recipes.Catalog{
		Config:  &recipes.Config{Catalog: &recipes.CatalogConfig{Repository: "registry.example/${name}"}},
		Entries: []*recipes.Entry{{Recipe: first}, {Recipe: second}},
	})
	if len(found) != 1 || found[0].File != "second.yaml" {
		t.Errorf("of two recipes with one tag: found %+v", found)
	}
	return found
}

// TestCatalogIsClean: recipes that others learn from are good ones.
func TestCatalogIsClean(t *testing.T) {
	files, err := filepath.Glob("../catalog/*/recipe.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		in := input(t, file)
		for _, f := range Check(in) {
			if f.Level != Note {
				t.Errorf("%s: %+v", file, f)
			}
		}
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		levels []Level
		want   Level
	}{
		{nil, ""}, {[]Level{Note}, Note}, {[]Level{Note, Warning}, Warning}, {[]Level{Warning, Error, Note}, Error},
	} {
		var found []Finding
		for _, l := range c.levels {
			found = append(found, Finding{Level: l})
		}
		if got := Worst(found); got != c.want {
			t.Errorf("Worst(%v) is %q, want %q", c.levels, got, c.want)
		}
	}
}
