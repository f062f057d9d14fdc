package recipes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const rewritten = `# A comment.
kiln: v1
name: x

version:   %s   # bump
summary: "größer – ünïcode"
license: MIT
sources:
  - archive: {url: "https://example.org/x-${version}.tar.gz", sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08} # behind it
  - git: {url: "https://example.org/ü", ref: 'v${version}', commit: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'}
    into: git
build: {toolchain: go, steps: [{go: {output: /usr/bin/x}}]}
image:
  base: static
  entrypoint: [/usr/bin/x]
`

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ was, value, want string }{
		{"1.2.3", "1.2.4", "1.2.4"},
		{`"1.2.3"`, "1.2.4", `"1.2.4"`},
		{"'17.9'", "17.10", "'17.10'"},
		{"17.9", "17.11", "17.11"},
		{"17.9", "17.10", `"17.10"`}, // YAML takes it for 17.1
		{"18", "19", "19"},
		{"18", "0x1", `"0x1"`},
		{"18", "2e3", `"2e3"`},
	} {
		text := strings.Replace(rewritten, "%s", c.was, 1)
		r, err := Parse("recipe.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Rewrite(map[string]string{
			"version": c.value, "sources[0].archive.sha256": strings.Repeat("ab", 32), "sources[1].git.commit": strings.Repeat("cd", 20),
		})
		if err != nil {
			t.Errorf("%s → %s: %v", c.was, c.value, err)
			continue
		}
		want := strings.NewReplacer(
			"version:   "+c.was+" ", "version:   "+c.want+" ",
			"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", strings.Repeat("ab", 32),
			"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", strings.Repeat("cd", 20),
		).Replace(text)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s → %s (-want +got):\n%s", c.was, c.value, diff)
		}
	}
}

func TestRewriteRefuses(t *testing.T) {
	text := strings.Replace(rewritten, "%s", "1.2.3", 1)
	for _, c := range []struct{ path, value, want string }{
		{"version", "1.0;rm", "cannot be an image's tag"},
		{"version", "1\nname: y", "cannot be an image's tag"},
		{"version", "", "version is empty"},
		{"homepage", "x", "rewriting homepage of recipe.yaml: there is no text"},
		{"sources[7].go", "x", "there is no text"},
		{"sources", "x", "there is no text"},
		{"sources[0].archive.sha256", "short", "not 64 hex digits"},
	} {
		r, err := Parse("recipe.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Rewrite(map[string]string{c.path: c.value})
		if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
			t.Errorf("%s: got %s, %v, want %q", c.path, got, err, c.want)
		}
	}
	folded := strings.Replace(text, "version:   1.2.3 ", "version: >-\n  1.2.3\n", 1)
	folded = strings.Replace(folded, "  # bump\n", "", 1)
	r, err := Parse("recipe.yaml", []byte(folded))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Rewrite(map[string]string{"version": "1.2.4"}); err == nil {
		t.Errorf("a block: got %s, want an error", got)
	}
}

// FuzzRewrite changes the version of recipes: the rest of the text stays.
func FuzzRewrite(f *testing.F) {
	for _, pattern := range []string{"catalog/*/recipe.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, "1.2.4")
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, version string) {
		r, err := Parse("recipe.yaml", raw)
		if err != nil {
			return
		}
		text, err := r.Rewrite(map[string]string{"version": version})
		if err != nil {
			return
		}
		again, err := Parse("recipe.yaml", text)
		if err != nil || again.Version != version {
			t.Fatalf("%v: the version is %q, want %q", err, again.Version, version)
		}
		if back, err := again.Rewrite(map[string]string{"version": r.Version}); err == nil && len(back) > len(raw)+2 {
			t.Errorf("there and back it grew from %d to %d bytes", len(raw), len(back))
		}
	})
}
