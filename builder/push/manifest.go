package push

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// Manifest is what gets a tag: a [v1.Image], or a [v1.ImageIndex] over the
// images of several platforms.
type Manifest interface {
	partial.Describable
	RawManifest() ([]byte, error)
}

// manifests are an image, or the images of an index and then the index: each
// after what it names, in the index's order.
func manifests(top Manifest) ([]Manifest, error) {
	index, ok := top.(v1.ImageIndex)
	if !ok {
		return []Manifest{top}, nil
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var all []Manifest
	for _, d := range m.Manifests {
		if !d.MediaType.IsImage() {
			return nil, fmt.Errorf("the index lists %s, which is a %s and no image", d.Digest, d.MediaType)
		}
		img, err := index.Image(d.Digest)
		if err != nil {
			return nil, err
		}
		all = append(all, img)
	}
	return append(all, top), nil
}
