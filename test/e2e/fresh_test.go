//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// freshened is what of the JSON of kiln update and kiln relock is looked at.
type freshened struct {
	Name, Status, To, Error, Image, SignedBy, Body string
	Changed                                        bool
}

func freshness(t *testing.T, r result) []freshened {
	t.Helper()
	var list []freshened
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		t.Fatalf("%v: %s\n%s", err, r.stdout, r.stderr)
	}
	return list
}

// TestUpdate takes recipes of the catalog back to older versions, and asks the
// real module proxy, npm registry and archive for newer ones. Then one is taken
// there, with its lock.
func TestUpdate(t *testing.T) {
	b := newBed(t)
	dir := t.TempDir()
	olds := map[string]string{"node-exporter": "1.11.0", "verdaccio": "6.7.0", "memcached": "1.6.37"}
	for name, old := range olds {
		to := filepath.Join(dir, name)
		if err := os.CopyFS(to, os.DirFS(catalog(name))); err != nil {
			t.Fatal(err)
		}
		setVersion(t, filepath.Join(to, "recipe.yaml"), old)
	}
	r := b.run(t, "kiln", "update", "--check", "--output", "json", dir)
	for _, f := range freshness(t, r) {
		if f.Status == "failed" && unreachable(f.Error) {
			t.Skipf("what lists the versions of %s cannot be reached from here: %s", f.Name, f.Error)
		}
		if f.Status != "newer" || f.To == olds[f.Name] {
			t.Errorf("%s: got %s %q %s, want a newer version than %s", f.Name, f.Status, f.To, f.Error, olds[f.Name])
		}
	}
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}

	recipe := filepath.Join(dir, "memcached", "recipe.yaml")
	was, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	r = b.must(t, "kiln", "update", recipe, "--output", "json")
	now, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	to := freshness(t, r)[0].To
	if want := strings.Replace(string(was), "version: "+olds["memcached"], "version: "+to, 1); string(now) != want {
		t.Errorf("the recipe is now\n%s", now)
	}
	b.must(t, "kiln", "lock", "--check", recipe)
	b.must(t, "kiln", "update", "--check", recipe)
}

// setVersion changes a recipe's version, whatever it is.
func setVersion(t *testing.T, recipe, version string) {
	t.Helper()
	text, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nversion: ")
	old, _, _ := strings.Cut(rest, "\n")
	replace(t, recipe, "\nversion: "+old+"\n", "\nversion: "+version+"\n")
}

// unreachable tells a machine without network from a wrong answer.
func unreachable(message string) bool {
	for _, words := range []string{"no such host", "connection refused", "network is unreachable", "i/o timeout"} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// TestRelock builds an image, and locks its recipe again: nothing has changed,
// which cosign verifies. With another recipe, something has.
func TestRelock(t *testing.T) {
	b := newBed(t)
	b.env = append(b.env, "KILN_REGISTRY_CA="+b.CAFile)
	recipe := b.copyRecipe(t, catalog("hello"))
	image := b.Addr + "/fresh/hello@" + b.build(t, recipe, "fresh/hello").Digest
	relock := []string{"relock", recipe, "--image", image, "--key", b.pub, "--output", "json", "--check"}
	r := b.run(t, "kiln", relock...)
	if r.code != 2 || !strings.Contains(r.stderr, "--image: names one image") {
		t.Errorf("with a variant: exit code %d\n%s", r.code, r.stderr)
	}
	withoutVariants(t, recipe)
	got := freshness(t, b.must(t, "kiln", append(relock, "--attest", "--sign-key", b.key)...))
	if len(got) != 1 || got[0].Status != "same" || got[0].Changed || got[0].Image != image || got[0].SignedBy == "" {
		t.Errorf("got %+v, want the same", got)
	}
	b.must(t, "cosign", append([]string{"verify-attestation", image, "--key", b.pub, "--insecure-ignore-tlog=true",
		"--type", "https://github.com/kiln-build/kiln/blob/main/sign/checked-v1.md", "--registry-cacert", b.CAFile}, b.nobody(t)...)...)

	replace(t, recipe, "memory: 64Mi", "memory: 65Mi")
	r = b.run(t, "kiln", relock...)
	got = freshness(t, r)
	if r.code != 1 || got[0].Status != "changed" || !got[0].Changed || !strings.Contains(got[0].Body, "The recipe itself has changed") {
		t.Errorf("exit code %d, got %+v, want a change", r.code, got)
	}
}

// withoutVariants cuts off a recipe's variants, which are at its end.
func withoutVariants(t *testing.T, recipe string) {
	t.Helper()
	text, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\nvariants:")
	if err := os.WriteFile(recipe, []byte(head+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
