package push

import (
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

// Stored is an image or an index in an OCI layout, and what is attached to it
// and to the images of an index there. Blobs are read from the folder when
// asked for.
type Stored struct {
	Top Manifest
	// Tags are the names that the layout's index gives it.
	Tags []string
	// Attachments are the referrers and cosign's tags, in the layout's order.
	Attachments []recipes.Attachment

	attached map[v1.Hash]recipes.Attached
}

// Attached is what is attached to the image or index with the digest.
func (s *Stored) Attached(subject v1.Hash) recipes.Attached { return s.attached[subject] }

// Found describes what the layout holds as [Registry.Lookup] does.
func (s *Stored) Found() (Found, error) {
	raw, err := s.Top.RawManifest()
	if err != nil {
		return Found{}, err
	}
	return parseFound(raw)
}

// ReadLayout reads the layout in the folder dir, which must hold one image or
// index besides what is attached.
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
	s := Stored{attached: map[v1.Hash]recipes.Attached{}}
	for _, d := range manifest.Manifests {
		if err := s.entry(index, d); err != nil {
			return nil, err
		}
	}
	if s.Top == nil {
		return nil, errors.New("it holds no image")
	}
	return &s, nil
}

// entry takes one entry of the layout's index. Attachments come after what
// they are attached to, as WriteLayout writes them.
func (s *Stored) entry(index v1.ImageIndex, d v1.Descriptor) error {
	switch {
	case d.MediaType.IsIndex():
		inner, err := index.ImageIndex(d.Digest)
		if err != nil {
			return err
		}
		return s.top(inner, d)
	case !d.MediaType.IsImage():
		return nil
	}
	img, err := index.Image(d.Digest)
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	tag := d.Annotations[refName]
	if m.Subject != nil {
		return s.attach(m.Subject.Digest, recipes.Attachment{Image: img})
	}
	if subject, ok := cosignTag(tag); ok {
		return s.attach(subject, recipes.Attachment{Image: img, Tag: tag})
	}
	return s.top(img, d)
}

// top takes an entry that is attached to nothing: there is one such manifest,
// once for each tag.
func (s *Stored) top(m Manifest, d v1.Descriptor) error {
	if s.Top != nil {
		have, err := s.Top.Digest()
		if err != nil {
			return err
		}
		if have != d.Digest {
			return fmt.Errorf("it holds more than one image: %s and %s", have, d.Digest)
		}
	}
	s.Top = m
	if tag := d.Annotations[refName]; tag != "" {
		s.Tags = append(s.Tags, tag)
	}
	return nil
}

func (s *Stored) attach(subject v1.Hash, a recipes.Attachment) error {
	s.Attachments = append(s.Attachments, a)
	attached := s.attached[subject]
	if a.Tag != "" {
		attached.SetTag(a)
	} else {
		b, err := readBundle(a.Image)
		if err != nil {
			return err
		}
		if b.Data != nil {
			attached.Bundles = append(attached.Bundles, b)
		}
	}
	s.attached[subject] = attached
	return nil
}

// add appends attachments; one with a tag takes the place of its namesake, and
// what is there already is not there twice.
func (s *Stored) add(list []recipes.Attachment) error {
	for _, a := range list {
		digest, err := a.Image.Digest()
		if err != nil {
			return err
		}
		s.Attachments = slices.DeleteFunc(s.Attachments, func(have recipes.Attachment) bool {
			same, err := have.Image.Digest()
			return a.Tag == have.Tag && (a.Tag != "" || err == nil && same == digest)
		})
		s.Attachments = append(s.Attachments, a)
	}
	return nil
}

func emptyIndex() v1.ImageIndex { return mutate.IndexMediaType(empty.Index, types.OCIImageIndex) }
