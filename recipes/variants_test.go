package recipes

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const variantsFile = "testdata/good/variants.yaml"

// TestLoadVariant: mappings are merged, all else replaced, null takes out.
func TestLoadVariant(t *testing.T) {
	plain, err := Load(variantsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Variants{"debug", "loud", "by-image"}, plain.Variants); diff != "" || plain.Variant != "" {
		t.Errorf("%q has the variants\n%s", plain.Variant, diff)
	}
	for name, got := range map[string]func(*Recipe) []any{
		"": func(r *Recipe) []any {
			return []any{r.Summary, r.Image.Env, r.Image.Packages, len(r.Allow), r.Build.Steps[0].Go.Ldflags, r.Tag(), r.LockPath()}
		},
		"debug": func(r *Recipe) []any {
			return []any{r.Summary, r.Image.Env, r.Image.Packages, r.Allow[0].Pos, r.Image.Base, r.Tag(), r.LockPath()}
		},
		"loud":     func(r *Recipe) []any { return []any{len(r.Image.Env), r.Build.Steps[0].Go.Ldflags, r.Tagged("latest")} },
		"by-image": func(r *Recipe) []any { return []any{len(r.Build.Toolchain), r.Build.Image[:15], r.Pos("build.image")} },
	} {
		want := map[string][]any{
			"": {"Says hello", map[string]string{"A": "1", "B": "2"}, []string(nil), 0, "-X main.greeting=hello", "1.2.3",
				"testdata/good/variants.lock"},
			"debug": {"Says hello, with a shell to look around", map[string]string{"A": "1", "B": "3", "C": "4"}, []string{"busybox-static"},
				Pos{24, 9}, "static", "1.2.3-debug", "testdata/good/variants.debug.lock"},
			"loud":     {0, "-X main.greeting=HELLO", "latest-loud"},
			"by-image": {0, "example.org/go@", Pos{31, 14}},
		}[name]
		r, err := LoadVariant(variantsFile, name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got(r)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(plain.Variants, r.Variants); diff != "" || r.Variant != name {
			t.Errorf("%q says it is %q, with the variants\n%s", name, r.Variant, diff)
		}
	}
}

func TestLoadVariantUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"debgu": "testdata/good/variants.yaml:17:1: there is no variant \"debgu\"\n  hint: did you mean \"debug\"?",
		"all":   "testdata/good/variants.yaml:17:1: there is no variant \"all\"\n  hint: variants: debug, loud, by-image",
	} {
		r, err := LoadVariant(variantsFile, name)
		var all *Errors
		if !errors.As(err, &all) || r != nil || err.Error() != want {
			t.Errorf("got %v, %v, want\n%s", r, err, want)
		}
	}
	if _, err := LoadVariant("testdata/good/go.yaml", "debug"); err == nil || !strings.Contains(err.Error(), "the recipe has no `variants`") {
		t.Errorf("got %v", err)
	}
}

// TestVariantsShareNothing: decoding one does not change another.
func TestVariantsShareNothing(t *testing.T) {
	raw, err := os.ReadFile(variantsFile)
	if err != nil {
		t.Fatal(err)
	}
	first, err := ParseVariant("r.yaml", "debug", raw)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		again, err := ParseVariant("r.yaml", "debug", bytes.Clone(raw))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(Recipe{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestParseBoundsVariants(t *testing.T) {
	raw, err := os.ReadFile("testdata/good/go.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.Write(raw)
	b.WriteString("\nvariants:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  v%d: {summary: v%d}\n", i, i)
	}
	if _, err := Parse("r.yaml", []byte(b.String())); err == nil || !strings.Contains(err.Error(), "there are more than 16 variants") {
		t.Errorf("got %v, want a bound on variants", err)
	}
}
