//go:build e2e && catalog

package e2e

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var layoutsFolder = flag.String("layouts", "", "write the images as OCI layouts below this folder as well")

// TestWholeCatalog builds all recipes of the catalog from a clean state into a
// registry; again, when nothing is left to do; and after one was touched.
func TestWholeCatalog(t *testing.T) {
	b := newBed(t).fresh(t)
	clone := filepath.Join(t.TempDir(), "kiln")
	b.must(t, "git", "clone", "--quiet", root(), clone)
	catalog := filepath.Join(clone, "recipes", "catalog")
	flags := []string{"catalog", "build", "--push", "--catalog", catalog, "--repository", b.Addr + "/all/${name}",
		"--key", b.key, "--registry-ca", b.CAFile, "--output", "json"}
	build := func() (shelved, time.Duration) {
		start := time.Now()
		r := b.run(t, "kiln", flags...)
		took := time.Since(start)
		var out shelved
		if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
			t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
		}
		if r.code != 0 {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
		t.Logf("%d built, %d unchanged in %.1f s", out.Built, out.Unchanged, took.Seconds())
		return out, took
	}
	first, clean := build()
	if len(first.Recipes) < 20 || first.Built != len(first.Recipes) {
		t.Errorf("from a clean state: %s", first.statuses())
	}
	var references []string
	for _, r := range first.Recipes {
		for _, img := range r.Images {
			references = append(references, img.References[0])
		}
	}

	with := b.env
	b.env = append(b.env, "KILN_ENGINE=unix:///nonexistent/engine.sock")
	before := len(b.requests(t))
	again, unchanged := build()
	if again.Unchanged != len(first.Recipes) || unchanged > clean/50 {
		t.Errorf("again: %s, in %.2f of the time", again.statuses(), unchanged.Seconds()/clean.Seconds())
	}
	t.Logf("nothing to do takes %.4f of the time, and %d requests for %d images", unchanged.Seconds()/clean.Seconds(), len(b.requests(t))-before, len(references))
	b.env = with

	touched := filepath.Join(catalog, "nats", "recipe.yaml")
	text := read(t, touched)
	if err := os.WriteFile(touched, []byte(strings.Replace(text, "\nsummary: ", "\nsummary: Touched, ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := build(); got.Built != 1 || got.Unchanged != len(first.Recipes)-1 {
		t.Errorf("after nats was touched: %s", got.statuses())
	}
	for _, image := range references {
		b.must(t, "kiln", "verify", image, "--key", b.pub, "--registry-ca", b.CAFile)
	}
	if *layoutsFolder != "" {
		r := b.run(t, "kiln", "catalog", "build", "--oci", *layoutsFolder, "--catalog", filepath.Join(root(), "recipes", "catalog"), "--key", b.key)
		if r.code != 0 {
			t.Errorf("layouts: exit code %d\n%s", r.code, r.stderr)
		}
	}
}
