package image

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/hardening"
	"github.com/kiln-build/kiln/recipes"
)

// soft is a program without a protection that its linker could have given.
func soft(t testing.TB) string {
	return cc(t, "void _start(void) {}", "-static", "-nostdlib", "-no-pie", "-fno-pie", "-Wl,-z,execstack")
}

func TestHardeningRefused(t *testing.T) {
	r := newRecipe()
	_, err := Assemble(t.Context(), newBed(t).input(r, binary("/usr/bin/hello", soft(t)), file("/usr/share/hello/text", "text")))
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a RefusedError", err)
	}
	want := []Finding{
		{recipes.RuleNoPIE, "/usr/bin/hello", "it is always loaded at the same address; compile with -fPIE and link with -pie"},
		{recipes.RuleNoNX, "/usr/bin/hello", "its stack or another segment is writable and executable; link with -Wl,-z,noexecstack"},
	}
	if diff := cmp.Diff(want, refused.Findings); diff != "" {
		t.Error(diff)
	}
	if want := "build it with these flags, or accept it in the recipe: allow: [{rule: no-pie, path: /usr/bin/hello, reason: …}]"; refused.Hint() != want {
		t.Errorf("got %q, want %q", refused.Hint(), want)
	}
}

func TestHardeningReported(t *testing.T) {
	r := newRecipe()
	r.Allow = []recipes.Allow{{Rule: recipes.RuleNoPIE, Path: "/usr/bin/soft"}, {Rule: recipes.RuleNoNX}}
	res := assemble(t, withLibc(t).input(r,
		binary("/usr/bin/soft", soft(t)), binary("/usr/bin/hello", executable(t, "")), file("/usr/lib/libx.so", library(t, "libx.so"))))
	got := map[string]string{}
	for _, b := range res.Hardening {
		got[b.Path] = b.Kind
	}
	// The loader in libc6 is a library as well, but Debian's.
	want := map[string]string{"/usr/bin/soft": hardening.Program, "/usr/bin/hello": hardening.Program, "/usr/lib/libx.so": hardening.Library}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The rules are called by the same names in recipes and where they are found.
func TestRulesOfHardening(t *testing.T) {
	for rule, w := range map[string]hardening.Weakness{
		recipes.RuleNoPIE: hardening.NoPIE, recipes.RuleNoRELRO: hardening.NoRELRO, recipes.RuleNoNX: hardening.NoNX,
		recipes.RuleNoStackProtector: hardening.NoStackProtector, recipes.RuleNoFortify: hardening.NoFortify,
	} {
		if rule != string(w) || weakness(&hardening.Binary{}, w) == rule {
			t.Errorf("%s: got %q", rule, w)
		}
	}
}
