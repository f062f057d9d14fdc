package sign

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/empty"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/kiln-build/kiln/recipes"
)

// tagLayout makes the two images of cosign's tag layout, and leaves out those
// that would be what they are already.
func (s *session) tagLayout(ctx context.Context, envelopes []envelope) ([]recipes.Attachment, error) {
	prefix := s.subject.Digest.Algorithm + "-" + s.subject.Digest.Hex
	sig, err := s.signatures(ctx)
	if err != nil {
		return nil, err
	}
	att, err := s.attestations(ctx, envelopes)
	if err != nil {
		return nil, err
	}
	var out []recipes.Attachment
	for _, a := range []recipes.Attachment{{Image: sig, Tag: prefix + ".sig"}, {Image: att, Tag: prefix + ".att"}} {
		if a.Image != nil {
			out = append(out, a)
		}
	}
	return out, nil
}

// signatures adds the simple-signing signature to those that exist. It is nil
// where it is among them.
func (s *session) signatures(ctx context.Context) (v1.Image, error) {
	if s.signed(ctx) {
		return nil, nil
	}
	data, err := s.simpleSigning()
	if err != nil {
		return nil, err
	}
	b, err := s.sign(ctx, &sign.PlainData{Data: data})
	if err != nil {
		return nil, err
	}
	b64 := base64.StdEncoding.EncodeToString(b.GetMessageSignature().GetSignature())
	sig, err := static.NewSignature(data, b64, logOptions(b)...)
	if err != nil {
		return nil, err
	}
	return appendTo(s.existing.Signatures, sig)
}

// simpleSigning is the payload that the signature in the tag layout covers.
func (s *session) simpleSigning() ([]byte, error) {
	ref, err := name.NewDigest(s.repository + "@" + s.subject.Digest.String())
	if err != nil {
		return nil, err
	}
	return payload.Cosign{Image: ref}.MarshalJSON()
}

func (s *session) signed(ctx context.Context) bool {
	existing, err := layers(s.existing.Signatures)
	if err != nil {
		return false
	}
	for _, sig := range existing {
		if len(s.logs) > 0 && !logged(sig) {
			continue
		}
		if verifySimple(ctx, sig, s.subject.Digest, Identity{Key: s.key}) == nil {
			return true
		}
	}
	return false
}

// attestations adds the statements' envelopes to those that exist. It is nil
// where all are among them.
func (s *session) attestations(ctx context.Context, envelopes []envelope) (v1.Image, error) {
	existing, err := layers(s.existing.Attestations)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, att := range existing {
		if _, err := verifyEnvelope(ctx, att, s.subject.Digest, Identity{Key: s.key}); err == nil && (len(s.logs) == 0 || logged(att)) {
			have[envelopePayload(att)] = true
		}
	}
	var add []oci.Signature
	for _, e := range envelopes {
		if have[base64.StdEncoding.EncodeToString(e.proto.GetDsseEnvelope().GetPayload())] {
			continue
		}
		att, err := attestation(e)
		if err != nil {
			return nil, err
		}
		add = append(add, att)
	}
	if len(add) == 0 {
		return nil, nil
	}
	return appendTo(s.existing.Attestations, add...)
}

// attestation is the bundle's envelope, under the same signature, as a layer
// of the tag layout.
func attestation(e envelope) (oci.Signature, error) {
	// These very bytes are what sign.Rekor puts into the log, whose entry
	// holds their digest.
	data, err := json.Marshal(e.proto.GetDsseEnvelope())
	if err != nil {
		return nil, err
	}
	opts := append(logOptions(e.proto),
		static.WithLayerMediaType(ctypes.DssePayloadType),
		static.WithAnnotations(map[string]string{"predicateType": e.predicateType}))
	return static.NewAttestation(data, opts...)
}

// logOptions carries a bundle's log entry over into the tag layout.
func logOptions(b *protobundle.Bundle) []static.Option {
	entries := b.GetVerificationMaterial().GetTlogEntries()
	if len(entries) == 0 {
		return nil
	}
	e := entries[0]
	return []static.Option{static.WithBundle(&cbundle.RekorBundle{
		SignedEntryTimestamp: e.GetInclusionPromise().GetSignedEntryTimestamp(),
		Payload: cbundle.RekorPayload{
			Body:           base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()),
			IntegratedTime: e.GetIntegratedTime(),
			LogIndex:       e.GetLogIndex(),
			LogID:          hex.EncodeToString(e.GetLogId().GetKeyId()),
		},
	})}
}

func logged(sig oci.Signature) bool {
	b, err := sig.Bundle()
	return err == nil && b != nil
}

func appendTo(base v1.Image, sigs ...oci.Signature) (v1.Image, error) {
	if base == nil {
		return mutate.AppendSignatures(empty.Signatures(), false, sigs...)
	}
	return mutate.AppendSignatures(tagged{base}, false, sigs...)
}
