package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func sha256Of(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// TestRepin: a reference is written where the recipe has it, in a variant too,
// and nowhere else.
func TestRepin(t *testing.T) {
	const text = `kiln: v1
name: over # stood on r.corp/one@OLD once
version: 1.0.0
summary: Stands on another
license: MIT
sources: [{local: src}]
build: {toolchain: gcc, steps: [{run: make}]}
image:
  base: r.corp/one@OLD
  entrypoint: [/usr/bin/over]
  env: {MADE_ON: r.corp/one@OLD}
variants:
  debug: {image: {base: "r.corp/one:1-debug@OLD"}}
  other: {image: {user: 7:7}}
`
	file := filepath.Join(t.TempDir(), "recipe.yaml")
	old := strings.ReplaceAll(text, "OLD", sha256Of("a"))
	if err := os.WriteFile(file, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	moved := map[string]string{}
	for _, variant := range []string{"", "debug", "other"} {
		r, err := recipes.LoadVariant(file, variant)
		if err != nil {
			t.Fatal(err)
		}
		moved[r.PathOf("image.base")] = strings.Replace(r.Image.Base, sha256Of("a"), sha256Of("b"), 1)
	}
	if err := repin(file, moved); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("base: r.corp/one@OLD", "base: r.corp/one@"+sha256Of("b"), "debug@OLD", "debug@"+sha256Of("b"), "OLD", sha256Of("a")).Replace(text)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := repin(file, map[string]string{"image.base": "r.corp/one:no digest"}); err == nil {
		t.Error("what is no reference was written")
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(got) {
		t.Errorf("after an error the recipe is %s, %v", again, err)
	}
}

func TestMeant(t *testing.T) {
	o := &outcome{Images: []*result{{Digest: "plain"}, {Digest: "debug", Variant: "debug"}}}
	for _, c := range []struct{ tag, digest, want string }{
		{"", "old", "plain"},
		{":1.0.0", "old", "plain"},
		{":1.0.0-debug", "old", "debug"},
		{"", "debug", "debug"},
		{":1.0.0-debug", "plain", "plain"},
	} {
		if got := o.meant(c.tag, c.digest).Digest; got != c.want {
			t.Errorf("%q@%s: got %s, want %s", c.tag, c.digest, got, c.want)
		}
	}
}
