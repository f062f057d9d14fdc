package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/test/registry"
)

// TestRegistryMirrors reads a base by its digest as kiln.yaml says: from a
// mirror, and from its registry where the mirrors have nothing of the kind or
// lie.
func TestRegistryMirrors(t *testing.T) {
	origin, mirror := registry.Start(t, registry.Options{}), registry.Start(t, registry.Options{})
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Write([]byte(`{"schemaVersion":2}`)) //nolint:errcheck // the client sees it
	}))
	t.Cleanup(liar.Close)
	everywhere, once := platformImage(t), platformImage(t)
	upload(t, origin.Addr+"/team/base", everywhere)
	upload(t, origin.Addr+"/team/base", once)
	upload(t, mirror.Addr+"/copies/team/base", everywhere)
	for _, c := range []struct {
		name, mirrors string
		image         v1.Image
		asked         bool // whether the origin is
	}{
		{"the mirror has it", mirror.Addr + "/copies", everywhere, false},
		{"the second mirror has it", mirror.Addr + "/none, " + mirror.Addr + "/copies", everywhere, false},
		{"no mirror has it", mirror.Addr + "/copies", once, true},
		{"nobody is there", "127.0.0.1:1", once, true},
		{"the mirror lies", strings.TrimPrefix(liar.URL, "http://"), once, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			text := "kiln: v1\nnetwork:\n  registries:\n    \"" + origin.Addr + "\": {mirrors: [" + c.mirrors + "]}\n"
			if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			before := requestsTo(t, origin)
			testMirrored(t, dir, origin.Addr+"/team/base", c.image)
			if asked := requestsTo(t, origin) > before; asked != c.asked {
				t.Errorf("the registry itself was asked: %v, want %v", asked, c.asked)
			}
		})
	}
}

// testMirrored reads the image as a build in the folder would.
func testMirrored(t *testing.T, dir, repo string, want v1.Image) {
	t.Helper()
	config, err := recipes.FindConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := push.New(push.Config{Keychain: keychain(config.Network.Registries)})
	if err != nil {
		t.Fatal(err)
	}
	store, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	digest, err := want.Digest()
	if err != nil {
		t.Fatal(err)
	}
	images := (&environment{registries: config.Network.Registries}).images(client)
	img, err := images.image(t.Context(), repo+"@"+digest.String(), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	// All of it comes, and each blob has its digest.
	if got, err := layer.Store(store, img); err != nil || got != digest {
		t.Errorf("stored %s, %v; want %s", got, err, digest)
	}
	ref, err := name.NewDigest(repo + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := images.manifest(t.Context(), ref, store); err != nil || got != digest {
		t.Errorf("the manifest is %s, %v; want %s", got, err, digest)
	}
}

func platformImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(1<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func upload(t *testing.T, repo string, img v1.Image) {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(repo + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
}

// requestsTo is how many requests a registry has had.
func requestsTo(t *testing.T, r *registry.Registry) int {
	t.Helper()
	log, err := os.ReadFile(r.AccessLog)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "\n")
}
