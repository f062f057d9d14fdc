//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// services say how to see that an image of the catalog serves. They are one of
// each kind; `make catalog` builds and tests all.
var services = map[string]func(*testing.T, *container){
	"hello":  serveHello,
	"nats":   serveNATS,
	"nginx":  serveNginx,
	"valkey": serveValkey,
}

// TestCatalog takes recipes of the catalog the whole way: locked afresh,
// built, signed and pushed by kiln, then verified, read, checked and run by
// the programs of others.
func TestCatalog(t *testing.T) {
	b := newBed(t)
	for _, name := range sample([]string{"hello", "nginx"}, "nats", "valkey") {
		t.Run(name, func(t *testing.T) { testRecipe(t, b, name) })
	}
}

func testRecipe(t *testing.T, b *bed, name string) {
	recipe := b.copyRecipe(t, catalog(name))
	out := b.build(t, recipe, "catalog/"+name)
	image := b.Addr + "/catalog/" + name + "@" + out.Digest
	t.Logf("%s: %+v", image, out.Platforms)
	for _, p := range out.Platforms {
		if p.Size <= 0 || p.Files <= 0 {
			t.Errorf("%s: got size %d, %d files, want some of each", p.Platform, p.Size, p.Files)
		}
	}
	if len(out.Platforms) == 0 || len(out.References) == 0 {
		t.Errorf("got platforms %v, references %v, want some of each", out.Platforms, out.References)
	}
	t.Run("verify", func(t *testing.T) { b.must(t, "kiln", "verify", image, "--key", b.pub, "--registry-ca", b.CAFile) })
	t.Run("cosign", func(t *testing.T) { testCosign(t, b, image) })
	t.Run("formats", func(t *testing.T) { testFormats(t, b, image) })
	t.Run("serve", func(t *testing.T) {
		services[name](t, start(t, b, image))
	})
	t.Run("unchanged", func(t *testing.T) { testUnchanged(t, b, recipe, "catalog/"+name, out.Digest) })
}

// testUnchanged builds what is in the registry already: that takes one
// request for a manifest and writes nothing.
func testUnchanged(t *testing.T, b *bed, recipe, repo, digest string) {
	before := len(b.requests(t))
	r := b.must(t, "kiln", b.flags(recipe, repo)...)
	if want := b.Addr + "/" + repo + "@" + digest; r.last() != want {
		t.Errorf("got %s, want %s", r.last(), want)
	}
	if !strings.Contains(r.stderr, "unchanged") {
		t.Errorf("stderr does not say that nothing changed:\n%s", r.stderr)
	}
	writes, manifests := 0, 0
	for _, q := range b.requests(t)[before:] {
		if q.method != "GET" && q.method != "HEAD" {
			writes++
		}
		if strings.Contains(q.path, "/manifests/") && !strings.Contains(q.path, "/manifests/sha256") {
			manifests++
		}
	}
	if writes != 0 || manifests != 1 {
		t.Errorf("got %d writes and %d manifests by tag, want 0 and 1", writes, manifests)
	}
}

// TestSameDigest builds a recipe and its lock again with an empty engine and
// an empty cache, from another folder to another repository.
func TestSameDigest(t *testing.T) {
	takesLong(t, "building on an engine that begins empty")
	for _, name := range []string{"hello", "valkey"} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			recipe := b.copyRecipe(t, catalog(name))
			first := b.build(t, recipe, "first")
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			if err := os.CopyFS(elsewhere, os.DirFS(filepath.Dir(recipe))); err != nil {
				t.Fatal(err)
			}
			second := b.fresh(t).build(t, filepath.Join(elsewhere, "recipe.yaml"), "second")
			if first.Digest != second.Digest {
				t.Errorf("got %s, want %s", second.Digest, first.Digest)
			}
		})
	}
}

// fresh is the same bed for a user who never ran kiln; the engine that it
// starts ends with the test.
func (b *bed) fresh(t *testing.T) *bed {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	f := *b
	if f.homes, err = homes(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.must(t, "kiln", "engine", "stop")
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &f
}
