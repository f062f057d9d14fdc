package recipes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smallRecipe = `kiln: v1
name: NAME
version: 1.28.0
summary: A service
license: MIT
sources: [{local: src}]
build: {steps: [{run: "true"}]}
image: {base: BASE, entrypoint: [/x]}
`

func recipeText(name, base string) string {
	return strings.NewReplacer("NAME", name, "BASE", base).Replace(smallRecipe)
}

// catalogOf writes files below a folder.
func catalogOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func byDigest(name string) string {
	return "registry.example/platform/" + name + ":1@sha256:" + strings.Repeat("a", 64)
}

const smallCatalog = "kiln: v1\ncatalog: {repository: \"registry.example/platform/${name}\", recipes: r}\n"

func TestOpenCatalog(t *testing.T) {
	dir := catalogOf(t, map[string]string{
		"kiln.yaml":                   smallCatalog,
		"recipe.yaml":                 recipeText("outside", "static"),
		"r/deep/b/recipe.yaml":        recipeText("bee", byDigest("cee")),
		"r/c/recipe.yaml":             recipeText("cee", "static"),
		"r/c/src/recipe.yaml":         recipeText("source", "static"),
		"r/.git/recipe.yaml":          recipeText("hidden", "static"),
		"r/broken/recipe.yaml":        "kiln: v1\n",
		"r/a/recipe.yaml":             recipeText("ay", byDigest("bee")) + "variants: {debug: {image: {base: cc}}}\n",
		"r/no-recipe/other.yaml":      "x",
		"r/folder/recipe.yaml/x.yaml": "x",
	})
	c, err := OpenCatalog(filepath.Join(dir, "r", "c"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.Entries {
		var wrong *Errors
		if e.Err != nil && !errors.As(e.Err, &wrong) {
			t.Error(e.Err)
		}
		got = append(got, e.Name+" "+e.Dir+strings.Repeat("+", len(e.Variants)))
	}
	if diff := cmp.Diff([]string{"ay a+", "broken broken", "cee c", "bee deep/b"}, got); diff != "" {
		t.Error(diff)
	}
	ordered, err := c.Ordered()
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, e := range ordered {
		got = append(got, e.Name)
	}
	if diff := cmp.Diff([]string{"cee", "bee", "ay", "broken"}, got); diff != "" {
		t.Error(diff)
	}
	if edges := c.Edges(); len(edges) != 2 || edges[1].From.Name != "cee" || edges[1].To.Name != "bee" || edges[1].Field != "image.base" {
		t.Errorf("got edges %+v", edges)
	}
}

func TestNamedEntries(t *testing.T) {
	dir := catalogOf(t, map[string]string{
		"kiln.yaml": smallCatalog, "r/one/recipe.yaml": recipeText("first", "static"), "r/two/recipe.yaml": recipeText("second", "static"),
	})
	c, err := OpenCatalog(dir)
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]string{
		"": "first second", "second": "second", "one": "first", "*": "first second", "two/ first": "first second",
		filepath.Join(dir, "r", "two", "recipe.yaml"): "second",
	} {
		list, err := c.Named(strings.Fields(names))
		var got []string
		for _, e := range list {
			got = append(got, e.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, %v, want %s", names, got, err, want)
		}
	}
	_, err = c.Named([]string{"first", "secnd"})
	var unknown *UnknownEntryError
	if !errors.As(err, &unknown) || unknown.Near != "second" {
		t.Errorf("got %v", err)
	}
}

func TestCycle(t *testing.T) {
	dir := catalogOf(t, map[string]string{
		"kiln.yaml": smallCatalog, "r/a/recipe.yaml": recipeText("ay", byDigest("bee")), "r/b/recipe.yaml": recipeText("bee", byDigest("ay")),
	})
	c, err := OpenCatalog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ordered(); err == nil || err.Error() != "images stand on each other: ay on bee on ay" {
		t.Errorf("got %v", err)
	}
}

func TestNoCatalog(t *testing.T) {
	for text, want := range map[string]string{"": "has a kiln.yaml", "kiln: v1\n": "has no `catalog:`"} {
		files := map[string]string{"recipe.yaml": recipeText("a", "static")}
		if text != "" {
			files["kiln.yaml"] = text
		}
		var none *NoCatalogError
		if _, err := OpenCatalog(catalogOf(t, files)); !errors.As(err, &none) || !strings.Contains(err.Error(), want) || none.Hint() == "" {
			t.Errorf("got %v, want one with %q", err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	d := Defaults{Suite: "bookworm", Platforms: []string{"linux/amd64", "linux/arm64"}}
	dir := catalogOf(t, map[string]string{
		"plain.yaml": recipeText("a", "static"), "own.yaml": recipeText("a", "static") + "suite: trixie\nplatforms: [linux/arm64]",
		"flow.yaml": `{kiln: v1, name: a}`, "open.yaml": strings.TrimSuffix(recipeText("a", "static"), "\n"),
	})
	for file, want := range map[string]string{"plain": "bookworm linux/amd64 linux/arm64", "own": "trixie linux/arm64", "open": "bookworm linux/amd64 linux/arm64"} {
		r, err := d.Load(filepath.Join(dir, file+".yaml"), "")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Suite + " " + strings.Join(r.Platforms, " "); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
		again, err := Parse("again.yaml", r.Raw) // what provenance has
		if err != nil || cmp.Diff(r.Platforms, again.Platforms) != "" || string(r.Essence()) != string(again.Essence()) {
			t.Errorf("%s: its text alone is another recipe: %v", file, err)
		}
	}
	if _, err := d.Load(filepath.Join(dir, "flow.yaml"), ""); err == nil {
		t.Error("defaults are added to a recipe in braces")
	}
}

func TestCatalogTags(t *testing.T) {
	c := &CatalogConfig{Repository: "registry.example/p/${name}", Tags: CatalogTags()}
	l := &Lock{Archives: []Archive{{Date: "2026-11-18T01:00:00Z"}, {Date: "2026-11-19T20:00:00Z"}}}
	for _, tt := range []struct{ version, variant, want string }{
		{"1.28.0", "", "1.28.0 1.28 1 1.28.0-20261119 latest; 1.28.0-0123456789ab"},
		{"1.28", "", "1.28 1 1.28-20261119 latest; 1.28-0123456789ab"},
		{"2.0.0-rc1", "", "2.0.0-rc1 2.0.0-rc1-20261119 latest; 2.0.0-rc1-0123456789ab"},
		{"1.28.0", "debug", "1.28.0-debug 1.28-debug 1-debug 1.28.0-20261119-debug latest-debug; 1.28.0-0123456789ab-debug"},
	} {
		r := &Recipe{Name: "a", Version: tt.version, Variant: tt.variant}
		if got := strings.Join(c.TagsOf(r, l), " ") + "; " + c.DigestTag(r, "0123456789abcdef"); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	plain := &CatalogConfig{}
	if got := plain.TagsOf(&Recipe{Version: "1.0"}, &Lock{}); cmp.Diff([]string{"1.0"}, got) != "" || plain.DigestTag(&Recipe{}, "x") != "" {
		t.Errorf("got %v", got)
	}
}

// TestEssence: what makes another image differs, and nothing else does.
func TestEssence(t *testing.T) {
	base := recipeText("a", "static") + "variants: {debug: {image: {base: cc}}}\n"
	essence := func(text, variant string) string {
		r, err := ParseVariant("r.yaml", variant, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Essence())
	}
	want, debug := essence(base, ""), essence(base, "debug")
	for _, same := range []string{
		"# more\n" + base, strings.ReplaceAll(base, "version: 1.28.0", "version:   '1.28.0' # now"),
		base + "description: x\ncategories: [a]\nowners: [b]\nupstream: https://a.example\neol: 2030-01-01\n",
		strings.ReplaceAll(base, "base: cc", "base: glibc"),
	} {
		if got := essence(same, ""); got != want {
			t.Errorf("%s: got %s, want %s", same, got, want)
		}
	}
	for _, other := range []string{strings.ReplaceAll(base, "1.28.0", "1.28.1"), strings.ReplaceAll(base, "static", "glibc"), base + "suite: trixie\n", strings.ReplaceAll(base, `"true"`, "[\"true\"]")} {
		if essence(other, "") == want {
			t.Errorf("%s: the same", other)
		}
	}
	if debug == want || essence(strings.ReplaceAll(base, "base: cc", "base: glibc"), "debug") == debug {
		t.Error("a variant is the recipe itself")
	}
}

func TestRecipeChanges(t *testing.T) {
	parse := func(text string) *Recipe {
		r, err := Parse("r.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	text := recipeText("a", "static") + "tests: [{run: [/x, --version]}]\n"
	was := parse(text)
	now := parse(strings.NewReplacer("1.28.0", "1.28.1", "static", "glibc", "tests: [{run: [/x, --version]}]", "suite: sid").Replace(text) + "owners: b\n")
	want := []FieldChange{
		{"version", "1.28.0", "1.28.1"}, {"image.base", "static", "glibc"}, {"suite", "", "sid"},
		{"tests[0].run[0]", "/x", ""}, {"tests[0].run[1]", "--version", ""},
	}
	for range 25 {
		if diff := cmp.Diff(want, now.Changes(was)); diff != "" {
			t.Fatal(diff)
		}
	}
	if got := was.Changes(parse("# more\n" + text)); got != nil {
		t.Errorf("got %v of a comment", got)
	}
}
