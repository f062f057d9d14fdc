package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

func imageFor(t *testing.T, arch string) v1.Image {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: arch, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestIndex(t *testing.T) {
	r := &recipes.Recipe{Name: "nats", Version: "2.15.2", License: "Apache-2.0", Image: recipes.Image{
		Base: "static", Annotations: map[string]string{"corp.team": "platform"},
	}}
	l := &recipes.Lock{Epoch: recipes.Epoch{Seconds: 1700000000}}
	images := func() []Platform {
		return []Platform{{"linux/arm64", imageFor(t, "arm64")}, {"linux/amd64", imageFor(t, "amd64")}}
	}
	var first v1.Hash
	for range 25 {
		index, err := Index(r, l, "k", images())
		if err != nil {
			t.Fatal(err)
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if first == (v1.Hash{}) {
			first = digest
		}
		if digest != first {
			t.Fatalf("the same images make %s, then %s", first, digest)
		}
	}
	index, err := Index(r, l, "k", images())
	if err != nil {
		t.Fatal(err)
	}
	got, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	want := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: map[string]string{
		"org.opencontainers.image.title": "nats", "org.opencontainers.image.version": "2.15.2",
		"org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
		"corp.team": "platform", KeyAnnotation: "k",
	}}
	for _, p := range images() {
		d, err := p.Image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		size, err := p.Image.Size()
		if err != nil {
			t.Fatal(err)
		}
		want.Manifests = append(want.Manifests, v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Digest: d, Size: size,
			Platform: &v1.Platform{OS: "linux", Architecture: strings.TrimPrefix(p.Name, "linux/")},
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIndexOfVariant: an index says what its images say.
func TestIndexOfVariant(t *testing.T) {
	r := newRecipe()
	r.Variant = "debug"
	r.Allow = []recipes.Allow{{Rule: recipes.RuleShell}}
	b := newBed(t)
	in := b.input(r, folder("/usr/bin"), binary("/usr/bin/hello", "program"), binary("/usr/bin/sh", "program"))
	index, err := Index(r, b.lock, "k", []Platform{{platform, assemble(t, in).Image}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{VariantAnnotation: "debug", DebugAnnotation: "true"} {
		if got := m.Annotations[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestIndexRefusesOtherPlatform(t *testing.T) {
	_, err := Index(&recipes.Recipe{}, &recipes.Lock{}, "k", []Platform{{"linux/arm64", imageFor(t, "amd64")}})
	if err == nil || !strings.Contains(err.Error(), "linux/arm64") {
		t.Errorf("got %v, want an error about linux/arm64", err)
	}
}
