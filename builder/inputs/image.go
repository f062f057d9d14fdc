package inputs

import (
	"bytes"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
)

// RegistryImage is the image with the digest, or of an index its image for the
// platform, out of the store, which holds only what has its digest.
func RegistryImage(store *blobs.Store, digest v1.Hash, platform v1.Platform) (v1.Image, error) {
	raw, err := os.ReadFile(store.Path(digest.Hex))
	if err != nil {
		return nil, fmt.Errorf("reading image %s: it is not among the inputs", digest)
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", digest, err)
	}
	for _, d := range index.Manifests {
		if d.Platform != nil && d.Platform.Satisfies(platform) {
			return RegistryImage(store, d.Digest, platform)
		}
	}
	if len(index.Manifests) > 0 {
		return nil, fmt.Errorf("reading image %s: it has none for %s", digest, platform)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", digest, err)
	}
	config, err := os.ReadFile(store.Path(manifest.Config.Digest.Hex))
	if err != nil {
		return nil, fmt.Errorf("reading image %s: its configuration is not among the inputs", digest)
	}
	return partial.CompressedToImage(&stored{artifact{store, config, raw}, manifest})
}

// stored is a registry image in the store.
type stored struct {
	artifact
	parsed *v1.Manifest
}

// MediaType implements partial.CompressedImageCore.
func (s *stored) MediaType() (types.MediaType, error) { return s.parsed.MediaType, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (s *stored) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range s.parsed.Layers {
		if d.Digest == h {
			l, err := s.artifact.LayerByDigest(h)
			return typed{l, d.MediaType}, err
		}
	}
	return nil, fmt.Errorf("reading image: it has no layer %s", h)
}

// typed is a layer of another media type than inputs have.
type typed struct {
	partial.CompressedLayer
	mediaType types.MediaType
}

// MediaType implements partial.CompressedLayer.
func (t typed) MediaType() (types.MediaType, error) { return t.mediaType, nil }
