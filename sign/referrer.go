package sign

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
)

const (
	bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// emptyMediaType marks the content "{}" (image-spec, manifest.md,
	// "Guidance for an Empty Descriptor").
	emptyMediaType = "application/vnd.oci.empty.v1+json"
)

// referrer is the OCI manifest that attaches a bundle to its subject, with
// the annotations that cosign's readers look for. It has no creation date,
// which would be the only thing in it to differ between two builds besides
// the signature.
func referrer(subject v1.Descriptor, predicateType string, b *protobundle.Bundle) (v1.Image, error) {
	data, err := marshalBundle(b)
	if err != nil {
		return nil, fmt.Errorf("writing bundle: %w", err)
	}
	config := static.NewLayer([]byte("{}"), emptyMediaType)
	layer := static.NewLayer(data, bundleMediaType)
	configDesc, err := partial.Descriptor(config)
	if err != nil {
		return nil, err
	}
	layerDesc, err := partial.Descriptor(layer)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  bundleMediaType,
		Config:        *configDesc,
		Layers:        []v1.Descriptor{*layerDesc},
		Subject:       &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": predicateType,
		},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&artifact{manifest: manifest, layer: layer})
}

// artifact is an OCI manifest with the empty configuration and one layer.
type artifact struct {
	manifest []byte
	layer    v1.Layer
}

func (a *artifact) RawConfigFile() ([]byte, error)      { return []byte("{}"), nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifact) RawManifest() ([]byte, error)        { return bytes.Clone(a.manifest), nil }
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if d, err := a.layer.Digest(); err != nil || d != h {
		return nil, fmt.Errorf("no blob %s in bundle manifest", h)
	}
	return a.layer, nil
}
