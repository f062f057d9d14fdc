package image

import (
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// TestVariant: a variant's image says which it is, and that it holds a shell;
// the recipe's own says neither, shell or not.
func TestVariant(t *testing.T) {
	for _, c := range []struct {
		variant, program string
		want             map[string]string
	}{
		{"", "/usr/bin/other", map[string]string{}},
		{"", "/usr/bin/sh", map[string]string{}},
		{"fips", "/usr/bin/other", map[string]string{VariantAnnotation: "fips"}},
		{"debug", "/usr/bin/sh", map[string]string{VariantAnnotation: "debug", DebugAnnotation: "true"}},
		{"debug", "/usr/bin/apt", map[string]string{VariantAnnotation: "debug", DebugAnnotation: "true"}},
	} {
		r := newRecipe()
		r.Variant = c.variant
		r.Allow = []recipes.Allow{{Rule: recipes.RuleShell}, {Rule: recipes.RulePackageManager}}
		res := assemble(t, newBed(t).input(r, folder("/usr/bin"), binary("/usr/bin/hello", "program"), binary(c.program, "program")))
		file, err := res.Image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		m, err := res.Image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{VariantAnnotation, DebugAnnotation} {
			if file.Config.Labels[key] != c.want[key] || m.Annotations[key] != c.want[key] {
				t.Errorf("%q with %s: %s is %q and %q, want %q", c.variant, c.program, key, file.Config.Labels[key], m.Annotations[key], c.want[key])
			}
		}
	}
}
