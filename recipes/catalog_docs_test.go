package recipes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const catalogHead = `# The catalog

Recipes of services that people run, each with its lock. They are built, tested and signed by
` + "`kiln catalog build`" + `, and show what recipes look like. ` + "`go test ./recipes -run TestCatalogReadme -update`" + `
writes this page.

| Service | Version | Categories | What it is | Source | Steps | Base |
|---|---|---|---|---|---|---|
`

// ownCatalog are the recipes that come with kiln.
func ownCatalog(t *testing.T) []*Entry {
	t.Helper()
	catalog, err := OpenCatalog("catalog")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range catalog.Entries {
		if e.Err != nil {
			t.Fatalf("%s: %v", e.Name, e.Err)
		}
	}
	return catalog.Entries
}

func TestCatalogReadme(t *testing.T) {
	var b strings.Builder
	b.WriteString(catalogHead)
	for _, e := range ownCatalog(t) {
		r := e.Recipe
		fmt.Fprintf(&b, "| [%s](%s/recipe.yaml)%s | %s | %s | %s | %s | %s | %s |\n", r.Name, e.Dir, variantsOf(e), r.Version,
			strings.Join(r.Categories, ", "), r.Summary, sourcesOf(r), stepsOf(r), r.Image.Base)
	}
	golden(t, "catalog/README.md", b.String())
}

func variantsOf(e *Entry) string {
	names := ""
	for _, v := range e.Variants {
		names += ", " + v.Variant
	}
	return names
}

// sourcesOf are the kinds of the sources, without what a recipe adds to them.
func sourcesOf(r *Recipe) string {
	var kinds []string
	for _, s := range r.Sources {
		if kind := s.Kind(); kind != KindLocal || len(r.Sources) == 1 {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		kinds = []string{KindLocal}
	}
	return strings.Join(slices.Compact(kinds), ", ")
}

// stepsOf are the kinds of the steps that compile; of those that have none,
// `run`.
func stepsOf(r *Recipe) string {
	var kinds []string
	for _, s := range r.Build.Steps {
		if kind := s.Kind(); kind != KindRun && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		kinds = []string{KindRun}
	}
	return strings.Join(kinds, ", ")
}

// TestCatalogComplete holds the catalog to what its page shows of a service,
// and to a test in which the service serves.
func TestCatalogComplete(t *testing.T) {
	silent := map[string]string{
		"kiln":    "is a command, and its variant an engine that needs user namespaces",
		"ntpd-rs": "speaks UDP alone",
	}
	entries := ownCatalog(t)
	if got, want := len(entries), 20; got < want {
		t.Errorf("the catalog has %d services, want at least %d", got, want)
	}
	for _, e := range entries {
		r := e.Recipe
		for field, value := range map[string]string{"description": r.Description, "upstream": r.Upstream, "homepage": r.Homepage} {
			if value == "" {
				t.Errorf("%s has no %s", r.Name, field)
			}
		}
		if len(r.Categories) == 0 {
			t.Errorf("%s has no categories", r.Name)
		}
		if _, ok := r.places["runtime"]; !ok {
			t.Errorf("%s says nothing of what it may have while it runs", r.Name)
		}
		if s := r.Sources[0]; s.Debian != nil && r.EOL == "" {
			t.Errorf("%s has no eol, and is of a suite that has one", r.Name)
		}
		if _, known := r.Tracks(); !known && r.Name != "hello" {
			t.Errorf("of %s nobody knows where newer versions are", r.Name)
		}
		serves := slices.ContainsFunc(r.Tests, func(t Test) bool { return len(t.HTTP) > 0 || len(t.TCP) > 0 })
		if why := silent[r.Name]; serves != (why == "") {
			t.Errorf("%s: a test that serves: got %v, want %v (%s)", r.Name, serves, why == "", why)
		}
	}
}
