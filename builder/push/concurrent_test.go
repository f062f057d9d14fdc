package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

// withSignature adds a layer to cosign's tag, as signing does: to what is there.
func withSignature(text string) Attach {
	return func(_ context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		base := existing.Signatures
		if base == nil {
			base = mutate.MediaType(empty.Image, types.OCIManifestSchema1)
		}
		img, err := mutate.AppendLayers(base, static.NewLayer([]byte(text), "application/vnd.dev.cosign.simplesigning.v1+json"))
		if err != nil {
			return nil, err
		}
		referring, err := bundleOf(subject, text)
		if err != nil {
			return nil, err
		}
		tag := strings.Replace(subject.Digest.String(), ":", "-", 1) + ".sig"
		return []recipes.Attachment{{Image: referring}, {Image: img, Tag: tag}}, nil
	}
}

func bundleOf(subject v1.Descriptor, text string) (v1.Image, error) {
	const kind = bundleTypePrefix + ".v0.3+json"
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), kind)
	img, err := mutate.AppendLayers(img, static.NewLayer([]byte(`"`+text+`"`), kind))
	if err != nil {
		return nil, err
	}
	referring, ok := mutate.Subject(img, v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}).(v1.Image)
	if !ok {
		panic("an image with a subject is an image")
	}
	return referring, nil
}

// attachedTexts are what layers of cosign's tag and bundles say.
func attachedTexts(t *testing.T, r *Registry, ref name.Digest) (tags, bundles []string) {
	t.Helper()
	found, err := r.Statements(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range found.Bundles {
		bundles = append(bundles, strings.Trim(string(b.Data), `"`))
	}
	if found.Signatures == nil {
		return nil, bundles
	}
	layers, err := found.Signatures.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		tags = append(tags, layerText(t, l))
	}
	slices.Sort(tags)
	slices.Sort(bundles)
	return tags, bundles
}

func layerText(t *testing.T, l v1.Layer) string {
	t.Helper()
	rc, err := l.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	text, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Many who attach to one image at once, each with a registry client of its own
// as processes have, lose nothing of each other's.
func TestAttachAtOnce(t *testing.T) {
	for _, referrers := range []bool{false, true} {
		t.Run(fmt.Sprint("referrers API ", referrers), func(t *testing.T) {
			s := newServer(t, referrers)
			repo, img, locks := s.repo(t, "x"), someImage(t), filepath.Join(t.TempDir(), "locks")
			var want []string
			var wg sync.WaitGroup
			for i := range 8 {
				text := fmt.Sprint("by ", i)
				want = append(want, text)
				wg.Go(func() {
					r := fast(t, Config{Locks: locks})
					if _, err := r.Push(t.Context(), repo, img, withSignature(text), nil); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			digest, err := img.Digest()
			if err != nil {
				t.Fatal(err)
			}
			tags, bundles := attachedTexts(t, fast(t, Config{}), repo.Digest(digest.String()))
			if !cmp.Equal(want, tags) || !cmp.Equal(want, bundles) {
				t.Errorf("got %q in the tag and %q as bundles, want %q", tags, bundles, want)
			}
		})
	}
}

// What another machine, which no lock reaches, adds to a tag between reading
// and writing it is kept: attaching begins anew.
func TestAttachAgainWhereTagsMove(t *testing.T) {
	s := newServer(t, false)
	repo, img, r := s.repo(t, "x"), someImage(t), fast(t, Config{})
	ref, err := r.Push(t.Context(), repo, img, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := r.Lookup(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	attach := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		calls++
		if calls == 1 {
			theirs, err := withSignature("theirs")(ctx, subject, existing)
			if err != nil {
				return nil, err
			}
			if err := remote.Write(repo.Tag(theirs[1].Tag), theirs[1].Image); err != nil {
				return nil, err
			}
		}
		return withSignature("ours")(ctx, subject, existing)
	}
	if err := r.Attach(t.Context(), repo, []v1.Descriptor{found.Descriptor}, attach); err != nil {
		t.Fatal(err)
	}
	tags, _ := attachedTexts(t, r, ref)
	if want := []string{"ours", "theirs"}; calls != 2 || !cmp.Equal(want, tags) {
		t.Errorf("got %q after %d calls, want %q after 2", tags, calls, want)
	}
}

func TestTag(t *testing.T) {
	s := newServer(t, true)
	repo, r := s.repo(t, "x"), fast(t, Config{})
	ref, err := r.Push(t.Context(), repo, someImage(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Tag(t.Context(), ref, []string{"1.0", "latest"}); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"1.0", "latest"} {
		found, ok, err := r.Lookup(t.Context(), repo.Tag(tag))
		if err != nil || !ok || found.Descriptor.Digest.String() != ref.DigestStr() {
			t.Errorf("%s: got %v, %t, %v, want %s", tag, found.Descriptor.Digest, ok, err, ref)
		}
	}
	missing := repo.Digest("sha256:" + strings.Repeat("0", 64))
	var typed *Error
	if err := r.Tag(t.Context(), missing, []string{"x"}); !errors.As(err, &typed) {
		t.Errorf("got %v, want an *Error", err)
	}
}

func someImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
