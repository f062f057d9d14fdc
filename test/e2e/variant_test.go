//go:build e2e

package e2e

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestVariants builds a recipe and its debug variant in one run: the one has
// no shell, the other has and says so, and building either alone gives the
// same digests.
func TestVariants(t *testing.T) {
	b := newBed(t)
	recipe := filepath.Join(catalog("hello"), "recipe.yaml")
	flags := append(b.flags(recipe, "variants"), "--output", "json")
	digests := map[string]string{}
	for line := range strings.Lines(b.must(t, "kiln", append(flags, "--variant", "all")...).stdout) {
		var out struct{ Variant, Digest string }
		if err := json.Unmarshal([]byte(line), &out); err != nil {
			t.Fatal(err)
		}
		digests[out.Variant] = out.Digest
	}
	if len(digests) != 2 || digests[""] == digests["debug"] {
		t.Fatalf("got %v, want the recipe's image and the variant's", digests)
	}
	fresh := b.fresh(t)
	for variant, tag := range map[string]string{"": "1.0.0", "debug": "1.0.0-debug"} {
		img := b.image(t, "variants@"+digests[variant])
		if got, want := holds(t, img, "usr/bin/busybox"), variant == "debug"; got != want {
			t.Errorf("%s holds a shell: %v, want %v", tag, got, want)
		}
		checkDebugLabel(t, img, variant)
		if tagged := b.image(t, "variants:"+tag); digest(t, tagged) != digests[variant] {
			t.Errorf("the tag %s is on another image", tag)
		}
		args := append(fresh.flags(recipe, "again"), "--output", "json")
		if variant != "" {
			args = append(args, "--variant", variant)
		}
		var again built
		if err := json.Unmarshal([]byte(fresh.must(t, "kiln", args...).stdout), &again); err != nil {
			t.Fatal(err)
		}
		if again.Digest != digests[variant] {
			t.Errorf("%s alone is %s, want %s", tag, again.Digest, digests[variant])
		}
	}
}

func (b *bed) image(t *testing.T, image string) v1.Image {
	t.Helper()
	img, err := remote.Image(b.ref(t, image), b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// holds reports whether the image has a file of that name.
func holds(t *testing.T, img v1.Image, name string) bool {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimPrefix(h.Name, "/") == name {
			return true
		}
	}
}

func checkDebugLabel(t *testing.T, img v1.Image, variant string) {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	labels := c.Config.Labels
	if got := labels["io.github.kiln-build.variant"]; got != variant {
		t.Errorf("the image says it is the variant %q, want %q", got, variant)
	}
	if got := labels["io.github.kiln-build.debug"] == "true"; got != (variant == "debug") {
		t.Errorf("the image of %q says that it holds a shell: %v", variant, got)
	}
}
