package sign

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// What is read of a foreign image, at most.
const (
	maxLayers = 256
	maxLayer  = 128 << 20
)

// layer is one signature in an image of the tag layout: what it is over, and
// the annotations that hold the rest.
type layer struct {
	payload     []byte
	annotations map[string]string
}

// layers are the signatures in an image of the tag layout, which may be nil.
// Their content is read here, once and all at the same time: the image may be
// one that a registry has.
func layers(img v1.Image) ([]layer, error) {
	if img == nil {
		return nil, nil
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading signature image: %w", err)
	}
	if n := len(manifest.Layers); n > maxLayers {
		return nil, fmt.Errorf("reading signature image: it has %d layers, at most %d are read", n, maxLayers)
	}
	all := make([]layer, len(manifest.Layers))
	var g errgroup.Group
	g.SetLimit(6)
	for i, desc := range manifest.Layers {
		g.Go(func() (err error) {
			all[i], err = readLayer(img, desc)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("reading signature image: %w", err)
	}
	return all, nil
}

func readLayer(img v1.Image, desc v1.Descriptor) (layer, error) {
	if desc.Size > maxLayer {
		return layer{}, fmt.Errorf("layer of %d bytes is larger than %d", desc.Size, maxLayer)
	}
	blob, err := img.LayerByDigest(desc.Digest)
	if err != nil {
		return layer{}, err
	}
	rc, err := blob.Compressed() // it is not compressed; this is the blob as it is
	if err != nil {
		return layer{}, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, maxLayer))
	return layer{payload: data, annotations: desc.Annotations}, err
}
