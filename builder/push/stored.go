package push

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

// Stored is an image in an OCI layout, and what is attached to it there. Its
// images read their blobs from the folder when asked.
type Stored struct {
	Image v1.Image
	// Tags are the names that the layout's index gives the image.
	Tags []string
	// Attachments are the image's referrers and cosign's tags, in the
	// index's order; Attached is the same by kind.
	Attachments []recipes.Attachment
	Attached    recipes.Attached
}

// ReadLayout reads the layout in the folder dir, which must hold one image
// besides what is attached to it.
func ReadLayout(dir string) (*Stored, error) {
	s, err := readLayout(dir)
	if err != nil {
		return nil, &Error{Op: "reading OCI layout", Ref: dir, Err: err}
	}
	return s, nil
}

func readLayout(dir string) (*Stored, error) {
	path, err := layout.FromPath(dir)
	if err != nil {
		return nil, err
	}
	index, err := path.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var s Stored
	for _, d := range manifest.Manifests {
		if !d.MediaType.IsImage() {
			continue
		}
		img, err := index.Image(d.Digest)
		if err != nil {
			return nil, err
		}
		if err := s.entry(img, d); err != nil {
			return nil, err
		}
	}
	if s.Image == nil {
		return nil, errors.New("it holds no image")
	}
	return &s, nil
}

// entry takes one entry of the index. Attachments come after what they are
// attached to, as WriteLayout writes them.
func (s *Stored) entry(img v1.Image, d v1.Descriptor) error {
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	tag := d.Annotations[refName]
	if s.Image == nil && m.Subject == nil {
		s.Image = img
	}
	if s.Image == nil {
		return nil
	}
	main, err := s.Image.Digest()
	switch {
	case err != nil:
		return err
	case d.Digest == main:
		if tag != "" {
			s.Tags = append(s.Tags, tag)
		}
	case m.Subject != nil && m.Subject.Digest == main:
		return s.attached(recipes.Attachment{Image: img})
	case cosignTag(tag, main):
		return s.attached(recipes.Attachment{Image: img, Tag: tag})
	case m.Subject == nil:
		return fmt.Errorf("it holds more than one image: %s and %s", main, d.Digest)
	}
	return nil
}

func (s *Stored) attached(a recipes.Attachment) error {
	s.Attachments = append(s.Attachments, a)
	if a.Tag != "" {
		s.Attached.SetTag(a)
		return nil
	}
	b, err := readBundle(a.Image)
	if err == nil && b.Data != nil {
		s.Attached.Bundles = append(s.Attached.Bundles, b)
	}
	return err
}

// add appends attachments; one with a tag takes the place of its namesake.
func (s *Stored) add(list []recipes.Attachment) {
	for _, a := range list {
		s.Attachments = slices.DeleteFunc(s.Attachments, func(have recipes.Attachment) bool {
			return a.Tag != "" && have.Tag == a.Tag
		})
		s.Attachments = append(s.Attachments, a)
	}
}

// Attach is the [Attach] that moves what is stored to where the image goes:
// referrers that are missing there, and cosign's tags with the signatures of
// both sides.
func (s *Stored) Attach(_ context.Context, _ v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
	have := map[v1.Hash]bool{}
	for _, b := range existing.Bundles {
		have[b.Digest] = true
	}
	var list []recipes.Attachment
	for _, a := range s.Attachments {
		digest, err := a.Image.Digest()
		if err != nil {
			return nil, err
		}
		if a.Tag != "" {
			if a.Image, err = merge(existing.Tag(a.Tag), a.Image); err != nil {
				return nil, err
			}
		}
		if a.Image != nil && !have[digest] {
			list = append(list, a)
		}
	}
	return list, nil
}

// merge is base with the layers of add that it lacks, and nil where it lacks
// none. A nil base lacks all.
func merge(base, add v1.Image) (v1.Image, error) {
	if base == nil {
		return add, nil
	}
	old, err := base.Manifest()
	if err != nil {
		return nil, err
	}
	fresh, err := add.Manifest()
	if err != nil {
		return nil, err
	}
	var missing []mutate.Addendum
	for _, d := range fresh.Layers {
		if slices.ContainsFunc(old.Layers, func(have v1.Descriptor) bool { return sameLayer(have, d) }) {
			continue
		}
		layer, err := add.LayerByDigest(d.Digest)
		if err != nil {
			return nil, err
		}
		missing = append(missing, mutate.Addendum{Layer: layer, Annotations: d.Annotations, MediaType: d.MediaType})
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return mutate.Append(base, missing...)
}

// sameLayer compares annotations too, for in the tag layout they hold the
// signature.
func sameLayer(a, b v1.Descriptor) bool {
	const signature = "dev.cosignproject.cosign/signature"
	return a.Digest == b.Digest && a.Annotations[signature] == b.Annotations[signature]
}

func emptyIndex() v1.ImageIndex { return mutate.IndexMediaType(empty.Index, types.OCIImageIndex) }
