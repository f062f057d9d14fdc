//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/test/registry"
)

// TestCaches: what one engine made another takes from a registry, and builds
// the same image without compiling. A registry that cannot be reached, or
// refuses, fails no build.
func TestCaches(t *testing.T) {
	takesLong(t, "building on two engines that begin empty")
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	caches := registry.Start(t, registry.Options{Auth: true})
	b.login(t, caches)
	cache := "type=registry,ref=" + caches.Addr + "/cache/${name}:${platform}"

	writer := b.apart(t)
	made := writer.must(t, "kiln", append(writer.flags(recipe, "caches/made"), "--cache-to", cache+",mode=max", "--progress", "rawjson")...)
	if strings.Contains(made.stderr, "note: ") || !compiled(t, made) {
		t.Errorf("the first build is to compile, and to write the cache:\n%s", made.stderr)
	}
	reader := b.apart(t)
	again := reader.must(t, "kiln", append(reader.flags(recipe, "caches/again"), "--cache-from", cache, "--progress", "rawjson")...)
	if compiled(t, again) {
		t.Errorf("the second build compiled:\n%s", again.stderr)
	}
	if got, want := digestOf(again), digestOf(made); got != want {
		t.Errorf("from the cache it is %s, without %s", got, want)
	}

	replace(t, recipe, "version: 1.0.0", "version: 1.0.1")
	b.must(t, "kiln", "lock", recipe)
	for i, broken := range []string{"127.0.0.1:1", registry.Start(t, registry.Options{Auth: true}).Addr} {
		cache := "type=registry,ref=" + broken + "/cache"
		r := reader.must(t, "kiln", append(reader.flags(recipe, fmt.Sprint("caches/broken", i)), "--cache-from", cache, "--cache-to", cache)...)
		if !strings.Contains(r.stderr, "note: writing cache type=registry,ref="+broken+"/cache: ") || !strings.Contains(r.stderr, "  pushed ") {
			t.Errorf("with a broken cache it said:\n%s", r.stderr)
		}
	}
}

// login gives the bed's programs the password of another registry as well.
func (b *bed) login(t *testing.T, other *registry.Registry) {
	t.Helper()
	type config struct {
		Auths map[string]any `json:"auths"`
	}
	var own, more config
	for file, into := range map[string]*config{b.DockerConfig: &own, other.DockerConfig: &more} {
		if err := json.Unmarshal([]byte(read(t, filepath.Join(file, "config.json"))), into); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(own.Auths, more.Auths)
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.DockerConfig, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// compiled is whether the step that compiles was carried out, rather than taken
// from a cache, as the engine reports when it is done with it. (What it reports
// afterwards is how its files are brought here.)
func compiled(t *testing.T, r result) bool {
	t.Helper()
	for line := range strings.Lines(r.stderr) {
		var report struct {
			Vertexes []struct {
				Name      string `json:"name"`
				Cached    bool   `json:"cached"`
				Completed string `json:"completed"`
			} `json:"vertexes"`
		}
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &report) != nil {
			continue
		}
		for _, v := range report.Vertexes {
			if strings.Contains(v.Name, "go build") && v.Completed != "" {
				return !v.Cached
			}
		}
	}
	t.Fatalf("no step compiles:\n%s", r.stderr)
	return false
}

// digestOf is the digest of the image that was built.
func digestOf(r result) string {
	_, digest, _ := strings.Cut(r.last(), "@")
	return digest
}
