package folder

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ArtifactType is that of the manifest which attaches an archive to an image
// (image-spec, manifest.md, "Guidelines for Artifact Usage").
const ArtifactType = "application/vnd.kiln.folder.v1"

// emptyType marks the content "{}" (image-spec, manifest.md, "Guidance for an
// Empty Descriptor").
const emptyType = "application/vnd.oci.empty.v1+json"

// Artifact is the manifest that has the archive as its layer and the image as
// its subject. A registry keeps the archive because of it.
func Artifact(archive v1.Layer, subject v1.Descriptor) (v1.Image, error) {
	layer, err := partial.Descriptor(archive)
	if err != nil {
		return nil, fmt.Errorf("keeping local sources: %w", err)
	}
	layer.Annotations = map[string]string{"org.opencontainers.image.title": "folder.tar.gz"}
	config, err := partial.Descriptor(static.NewLayer([]byte("{}"), emptyType))
	if err != nil {
		return nil, fmt.Errorf("keeping local sources: %w", err)
	}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: ArtifactType,
		Config: *config, Layers: []v1.Descriptor{*layer},
		Subject: &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
	})
	if err != nil {
		return nil, fmt.Errorf("keeping local sources: %w", err)
	}
	return partial.CompressedToImage(&artifact{raw: raw, layer: archive})
}

// artifact implements partial.CompressedImageCore.
type artifact struct {
	raw   []byte
	layer v1.Layer
}

func (a *artifact) RawConfigFile() ([]byte, error)      { return []byte("{}"), nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifact) RawManifest() ([]byte, error)        { return bytes.Clone(a.raw), nil }
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if d, err := a.layer.Digest(); err != nil || d != h {
		return nil, fmt.Errorf("the artifact has no blob %s", h)
	}
	return a.layer, nil
}
