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
	"github.com/urfave/cli/v2"

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
			var flags []string
			for _, m := range strings.Split(c.mirrors, ", ") {
				flags = append(flags, "--registry-mirror", origin.Addr+"="+m)
			}
			for how, client := range map[string]*push.Registry{
				"kiln.yaml":   client(t, configFile(t, origin.Addr, c.mirrors)),
				"flags":       client(t, &recipes.Config{}, flags...),
				"flags first": client(t, configFile(t, origin.Addr, "127.0.0.1:1"), flags...),
			} {
				before := requestsTo(t, origin)
				testMirrored(t, client, origin.Addr+"/team/base", c.image)
				if asked := requestsTo(t, origin) > before; asked != c.asked {
					t.Errorf("%s: the registry itself was asked: %v, want %v", how, asked, c.asked)
				}
			}
		})
	}
}

// configFile is a kiln.yaml with mirrors of a registry, read.
func configFile(t *testing.T, registry, mirrors string) *recipes.Config {
	t.Helper()
	dir := t.TempDir()
	text := "kiln: v1\nnetwork:\n  registries:\n    \"" + registry + "\": {mirrors: [" + mirrors + "]}\n"
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := recipes.FindConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// client speaks to registries as a command with these flags would.
func client(t *testing.T, config *recipes.Config, flags ...string) *push.Registry {
	t.Helper()
	r, err := newClient(config, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newClient(config *recipes.Config, flags ...string) (r *push.Registry, err error) {
	app := &cli.App{
		Flags:          append(append(registryFlags(), mirrorFlags()...), offlineFlags()...),
		Metadata:       map[string]any{configKey: config},
		ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) error {
			r, err = newRegistry(c, nil)
			return err
		},
	}
	return r, app.Run(append([]string{"kiln"}, flags...))
}

// Tags are asked of the registry alone: a mirror may be behind.
func TestTagsAreNotMirrored(t *testing.T) {
	origin, mirror := registry.Start(t, registry.Options{}), registry.Start(t, registry.Options{})
	newest, old := platformImage(t), platformImage(t)
	uploadTag(t, origin.Addr+"/team/base:1", newest)
	uploadTag(t, mirror.Addr+"/team/base:1", old)
	r := client(t, &recipes.Config{}, "--registry-mirror", origin.Addr+"="+mirror.Addr)
	tag, err := name.NewTag(origin.Addr + "/team/base:1")
	if err != nil {
		t.Fatal(err)
	}
	found, ok, err := r.Lookup(t.Context(), tag)
	if err != nil || !ok {
		t.Fatalf("got %t, %v", ok, err)
	}
	if want, err := newest.Digest(); err != nil || found.Descriptor.Digest != want {
		t.Errorf("got %s, %v, want %s", found.Descriptor.Digest, err, want)
	}
}

func uploadTag(t *testing.T, tag string, img v1.Image) {
	t.Helper()
	ref, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
}

// Without network but that of named registries nobody else is asked.
func TestOfflineMirrors(t *testing.T) {
	origin, mirror := registry.Start(t, registry.Options{}), registry.Start(t, registry.Options{})
	img := platformImage(t)
	upload(t, origin.Addr+"/team/base", img)
	upload(t, mirror.Addr+"/team/base", img)
	before := requestsTo(t, mirror)
	testMirrored(t, client(t, configFile(t, origin.Addr, mirror.Addr), "--offline"), origin.Addr+"/team/base", img)
	if n := requestsTo(t, mirror) - before; n > 0 {
		t.Errorf("the mirror had %d requests", n)
	}
}

func TestRegistryMirrorFlag(t *testing.T) {
	for _, flag := range []string{"mirror.corp", "=mirror.corp", "docker.io=", "docker.io=https://mirror.corp", "a b=mirror.corp"} {
		_, err := newClient(&recipes.Config{}, "--registry-mirror", flag)
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--registry-mirror") {
			t.Errorf("%q: got %v, want wrong usage", flag, err)
		}
	}
}

// testMirrored reads the image as a build would.
func testMirrored(t *testing.T, client *push.Registry, repo string, want v1.Image) {
	t.Helper()
	store, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	digest, err := want.Digest()
	if err != nil {
		t.Fatal(err)
	}
	images := &registryImages{registry: client}
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
	if got, err := client.Manifest(t.Context(), ref, store.Put); err != nil || got != digest {
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
