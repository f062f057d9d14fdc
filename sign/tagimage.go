package sign

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	layerof "github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/signature"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"golang.org/x/sync/errgroup"
)

// What is read of a foreign image, at most.
const (
	maxLayers = 256
	maxLayer  = 128 << 20
)

// layers are the signatures in an image of the tag layout, which may be nil.
// Their content is read here, once and all at the same time: the image may be
// one that a registry has.
func layers(img v1.Image) ([]oci.Signature, error) {
	if img == nil {
		return nil, nil
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading signature image: %w", err)
	}
	if len(manifest.Layers) > maxLayers {
		return nil, oci.NewMaxLayersExceeded(int64(len(manifest.Layers)), maxLayers)
	}
	sigs := make([]oci.Signature, len(manifest.Layers))
	var g errgroup.Group
	g.SetLimit(6)
	for i, desc := range manifest.Layers {
		g.Go(func() (err error) {
			sigs[i], err = readLayer(img, desc)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("reading signature image: %w", err)
	}
	return sigs, nil
}

func readLayer(img v1.Image, desc v1.Descriptor) (oci.Signature, error) {
	if desc.Size > maxLayer {
		return nil, fmt.Errorf("layer of %d bytes is larger than %d", desc.Size, maxLayer)
	}
	layer, err := img.LayerByDigest(desc.Digest)
	if err != nil {
		return nil, err
	}
	rc, err := layer.Compressed() // it is not compressed; this is the blob as it is
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, maxLayer))
	if err != nil {
		return nil, err
	}
	desc.Annotations = withoutCertificates(desc.Annotations)
	return signature.New(layerof.NewLayer(data, desc.MediaType), desc), nil
}

// withoutCertificates hides what only certificate identities need: cosign's
// reader takes for granted that a certificate annotation holds one.
func withoutCertificates(annotations map[string]string) map[string]string {
	clean := maps.Clone(annotations)
	for _, key := range []string{
		static.CertificateAnnotationKey, static.ChainAnnotationKey, static.RFC3161TimestampAnnotationKey,
	} {
		delete(clean, key)
	}
	return clean
}

// tagged is an image of the tag layout as cosign's functions take it.
type tagged struct{ v1.Image }

// Get implements oci.Signatures.
func (t tagged) Get() ([]oci.Signature, error) { return layers(t.Image) }

func envelopePayload(att oci.Signature) string {
	data, err := att.Payload()
	if err != nil {
		return ""
	}
	var env dsse.Envelope
	if json.Unmarshal(data, &env) != nil {
		return ""
	}
	return env.Payload
}
