//go:build e2e

package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestFailingTest: an image whose test fails reaches no registry.
func TestFailingTest(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe, "stdout: probe works", "stdout: probe sings")
	b.mustFail(t, 1, []string{"probe sings", "recipe.yaml:"}, b.flags(recipe, "probe")...)
	if repos := b.repositories(t); len(repos) != 0 {
		t.Errorf("got repositories %v, want none", repos)
	}
}

// TestStaleLock: a lock that does not fit the recipe is refused, not changed.
func TestStaleLock(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	b.must(t, "kiln", "lock", "--check", recipe)
	before := read(t, lockOf(recipe))
	replace(t, recipe, "toolchain: go@1.27", "toolchain: go@1.26")
	b.mustFail(t, 1, []string{"build.toolchain", "kiln lock"}, "lock", "--check", recipe)
	b.mustFail(t, 1, []string{"build.toolchain", "kiln lock"}, b.flags(recipe, "probe")...)
	if read(t, lockOf(recipe)) != before {
		t.Error("kiln build changed the lock")
	}
	if repos := b.repositories(t); len(repos) != 0 {
		t.Errorf("got repositories %v, want none", repos)
	}
}

// TestPackageGone: where no mirror has a locked package any more, the error
// names it and the way out.
func TestPackageGone(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	lock := read(t, lockOf(recipe))
	// Some package's path and digest, of which no cache can have any.
	path := regexp.MustCompile(`pool/\S+/(\w[^/_]*)_\S+\.deb`).FindStringSubmatch(lock)
	digest := regexp.MustCompile(`[0-9a-f]{64}`).FindString(lock[strings.Index(lock, path[0]):])
	replace(t, lockOf(recipe), path[0], strings.Replace(path[0], path[1]+"_", path[1]+"_0gone", 1),
		digest, strings.Repeat("f", 64))
	b.mustFail(t, 1, []string{path[1], "0gone", "kiln lock"}, b.flags(recipe, "probe")...)
}

// TestWrongKey: verification fails with an exit code of its own.
func TestWrongKey(t *testing.T) {
	b, other := newBed(t), newBed(t)
	out := b.build(t, b.copyRecipe(t, probe), "probe")
	image := b.Addr + "/probe@" + out.Digest
	b.must(t, "kiln", "verify", image, "--key", b.pub, "--registry-ca", b.CAFile)
	b.mustFail(t, 4, nil, "verify", image, "--key", other.pub, "--registry-ca", b.CAFile)
}

// TestPlanted: an unsigned image with the right build key, put where kiln
// looks, is not taken for the answer.
func TestPlanted(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	out := b.build(t, recipe, "probe")
	fake := b.plant(t, "probe", out.Digest)
	again := b.build(t, recipe, "probe")
	if again.Digest != out.Digest || again.Unchanged {
		t.Errorf("got %s, unchanged %t, want %s built again", again.Digest, again.Unchanged, out.Digest)
	}
	for _, tag := range b.tags(t, "probe") {
		if got := b.digest(t, "probe:"+tag); got == fake {
			t.Errorf("tag %s still names the planted image", tag)
		}
	}
}

// plant puts another image, with all that the manifest of the genuine one
// says about itself, under each of its tags, and returns its digest.
func (b *bed) plant(t *testing.T, repo, genuine string) string {
	t.Helper()
	tags := b.tags(t, repo)
	if len(tags) == 0 {
		t.Fatal("the genuine image has no tag")
	}
	fake := b.forge(t, repo+"@"+genuine)
	for _, tag := range tags {
		b.moveTag(t, fake, tag)
	}
	return fake.DigestStr()
}

// forge pushes such an image beside the genuine one, without a tag.
func (b *bed) forge(t *testing.T, genuine string) name.Digest {
	t.Helper()
	from := b.ref(t, genuine)
	img, err := remote.Image(from, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := random.Layer(64, manifest.Layers[0].MediaType)
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		t.Fatal(err)
	}
	fake := mutate.Annotations(img, manifest.Annotations).(v1.Image)
	digest, err := fake.Digest()
	if err != nil {
		t.Fatal(err)
	}
	to := from.Context().Digest(digest.String())
	if err := remote.Write(to, fake, b.remote(t)...); err != nil {
		t.Fatal(err)
	}
	return to
}

// moveTag has a tag of an image's repository stand for the image.
func (b *bed) moveTag(t *testing.T, image name.Digest, tag string) {
	t.Helper()
	desc, err := remote.Get(image, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Tag(image.Context().Tag(tag), desc, b.remote(t)...); err != nil {
		t.Fatal(err)
	}
}

func (b *bed) ref(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(b.Addr + "/" + s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// digest is what a tag names.
func (b *bed) digest(t *testing.T, s string) string {
	t.Helper()
	desc, err := remote.Head(b.ref(t, s), b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest.String()
}

// TestMistake: a mistake in a recipe is shown at its place, with a hint.
func TestMistake(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	replace(t, recipe, "- go:", "- golang:")
	r := b.mustFail(t, 1, []string{"golang", "hint:"}, b.flags(recipe, "probe")...)
	lines := strings.Split(r.stderr, "\n")
	place := regexp.MustCompile(regexp.QuoteMeta(filepath.Base(recipe)) + `:12:\d+: `)
	if !slices.ContainsFunc(lines, place.MatchString) {
		t.Errorf("stderr does not show line 12 of the recipe:\n%s", r.stderr)
	}
}
