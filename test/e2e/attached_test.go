//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// These are what somebody does who may push, and has no key: attach what was
// signed elsewhere, under other names, or take away.

const (
	signatureType   = "https://sigstore.dev/cosign/sign/v1"
	bundleType      = "application/vnd.dev.sigstore.bundle"
	bundlePredicate = "dev.sigstore.bundle.predicateType" // an annotation of the manifest
	layerPredicate  = "predicateType"                     // an annotation in cosign's tag layout
)

// tagOf is where cosign's tag layout keeps what is attached to an image.
func tagOf(image name.Digest, suffix string) name.Tag {
	return image.Context().Tag(strings.Replace(image.DigestStr(), ":", "-", 1) + suffix)
}

// attach attaches the bundles of one image to another whose types keep names,
// each as the type of that name, and nothing else of them.
func (b *bed) attach(t *testing.T, from, to name.Digest, keep map[string]string) {
	t.Helper()
	subject, err := remote.Head(to, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := remote.Referrers(from, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := list.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range manifest.Manifests {
		if !strings.HasPrefix(d.ArtifactType, bundleType) {
			continue
		}
		b.write(t, from.Context().Digest(d.Digest.String()), to.Context(), nil, func(m *v1.Manifest) bool {
			label, kept := keep[m.Annotations[bundlePredicate]]
			if kept {
				m.Annotations[bundlePredicate] = label
				m.Subject = &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest}
			}
			return kept
		})
	}
}

// detach deletes the bundles of a type that are attached to an image.
func (b *bed) detach(t *testing.T, image name.Digest, predicate string) {
	t.Helper()
	list, err := remote.Referrers(image, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := list.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	deleted := 0
	for _, d := range manifest.Manifests {
		ref := image.Context().Digest(d.Digest.String())
		img, err := remote.Image(ref, b.remote(t)...)
		if err != nil {
			t.Fatal(err)
		}
		m, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if m.Annotations[bundlePredicate] != predicate {
			continue
		}
		if err := remote.Delete(ref, b.remote(t)...); err != nil {
			t.Fatal(err)
		}
		deleted++
	}
	if deleted == 0 {
		t.Fatalf("no %s was attached", predicate)
	}
}

// attachTags does what attach does in cosign's tag layout.
func (b *bed) attachTags(t *testing.T, from, to name.Digest, keep map[string]string) {
	t.Helper()
	tag := tagOf(to, ".att")
	b.write(t, tagOf(from, ".att"), to.Context(), &tag, func(m *v1.Manifest) bool {
		m.Layers = slices.DeleteFunc(m.Layers, func(d v1.Descriptor) bool {
			_, kept := keep[d.Annotations[layerPredicate]]
			return !kept
		})
		for i := range m.Layers {
			m.Layers[i].Annotations[layerPredicate] = keep[m.Layers[i].Annotations[layerPredicate]]
		}
		return true
	})
}

// write copies an image into a repository with another manifest, which edit makes
// of its own, where it returns true: under the tag, if there is one.
func (b *bed) write(t *testing.T, from name.Reference, to name.Repository, tag *name.Tag, edit func(*v1.Manifest) bool) {
	t.Helper()
	img, err := remote.Image(from, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if !edit(m) {
		return
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	made := edited{img, raw}
	digest, err := made.Digest()
	if err != nil {
		t.Fatal(err)
	}
	var target name.Reference = to.Digest(digest.String())
	if tag != nil {
		target = *tag
	}
	if err := remote.Write(target, made, b.remote(t)...); err != nil {
		t.Fatal(err)
	}
}

// edited is an image with another manifest.
type edited struct {
	v1.Image
	raw []byte
}

func (e edited) RawManifest() ([]byte, error)    { return e.raw, nil }
func (e edited) Manifest() (*v1.Manifest, error) { return v1.ParseManifest(bytes.NewReader(e.raw)) }
func (e edited) Size() (int64, error)            { return int64(len(e.raw)), nil }
func (e edited) Digest() (v1.Hash, error) {
	digest, _, err := v1.SHA256(bytes.NewReader(e.raw))
	return digest, err
}

// signatureOf puts an image's signature where another's would be, in both places.
func (b *bed) signatureOf(t *testing.T, from, to name.Digest) {
	t.Helper()
	if err := b.copyManifest(t, tagOf(to, ".sig"), tagOf(from, ".sig")); err != nil {
		t.Fatal(err)
	}
	b.attach(t, from, to, as(signatureType))
}

// statementsOf attaches what one image's statements say, by their types, to
// another, in both places.
func (b *bed) statementsOf(t *testing.T, from, to name.Digest, keep map[string]string) {
	t.Helper()
	b.attach(t, from, to, keep)
	b.attachTags(t, from, to, keep)
}

// as keeps types as they are.
func as(types ...string) map[string]string {
	keep := map[string]string{}
	for _, predicate := range types {
		keep[predicate] = predicate
	}
	return keep
}

// but are the types of all statements without one.
func but(left string) map[string]string {
	var types []string
	for _, predicate := range statements {
		types = append(types, predicate)
	}
	return as(slices.DeleteFunc(types, func(predicate string) bool { return predicate == left })...)
}
