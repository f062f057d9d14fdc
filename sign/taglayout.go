package sign

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/empty"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/kiln-build/kiln/recipes"
)

// tagLayout makes the two images of cosign's tag layout, and leaves out those
// that would be what they are already. The first is made where the image itself
// is signed.
func (s *session) tagLayout(ctx context.Context, signature bool, envelopes []envelope) ([]recipes.Attachment, error) {
	prefix := s.subject.Digest.Algorithm + "-" + s.subject.Digest.Hex
	var sig v1.Image
	if signature {
		var err error
		if sig, err = s.signatures(ctx); err != nil {
			return nil, err
		}
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
	if s.signed() {
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
	signature := b.GetMessageSignature().GetSignature()
	b64 := base64.StdEncoding.EncodeToString(signature)
	opts, err := s.proofOptions(ctx, b, signature)
	if err != nil {
		return nil, err
	}
	sig, err := static.NewSignature(data, b64, opts...)
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

func (s *session) signed() bool {
	existing, err := layers(s.existing.Signatures)
	if err != nil {
		return false
	}
	for _, l := range existing {
		if _, err := verifySimple(l, s.subject.Digest, s.tagIdentity()); err == nil && s.logged(l) {
			return true
		}
	}
	return false
}

// tagIdentity is whose signatures in the tag layout are the signer's. Without
// a log that has a form there, its entry cannot be asked for.
func (s *session) tagIdentity() Identity {
	id := s.signer.Identity()
	if id.Root != nil && s.services != nil && !s.services.promises() {
		id.Root = id.Root.withoutLogs()
	}
	return id
}

// logged reports whether a layer has the log entry that is asked for.
func (s *session) logged(l layer) bool {
	return !s.logs() || !s.services.promises() || l.annotations[static.BundleAnnotationKey] != ""
}

// attestations adds the statements' envelopes to those that exist. It is nil
// where all are among them.
func (s *session) attestations(ctx context.Context, envelopes []envelope) (v1.Image, error) {
	existing, err := layers(s.existing.Attestations)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, l := range existing {
		if _, _, err := verifyEnvelope(l, s.subject.Digest, s.tagIdentity()); err == nil && s.logged(l) {
			have[l.content()] = true
		}
	}
	var add []oci.Signature
	for _, e := range envelopes {
		if have[base64.StdEncoding.EncodeToString(e.proto.GetDsseEnvelope().GetPayload())] {
			continue
		}
		att, err := s.attestation(ctx, e)
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

// content is the statement in an envelope's layer, in base64.
func (l layer) content() string {
	var env dsse.Envelope
	if json.Unmarshal(l.payload, &env) != nil {
		return ""
	}
	return env.Payload
}

// attestation is the bundle's envelope, under the same signature, as a layer
// of the tag layout.
func (s *session) attestation(ctx context.Context, e envelope) (oci.Signature, error) {
	// These very bytes are what sign.Rekor puts into the log, whose entry
	// holds their digest.
	data, err := json.Marshal(e.proto.GetDsseEnvelope())
	if err != nil {
		return nil, err
	}
	opts, err := s.proofOptions(ctx, e.proto, data)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{"predicateType": e.predicateType}
	return static.NewAttestation(data, append(opts,
		static.WithLayerMediaType(ctypes.DssePayloadType), static.WithAnnotations(annotations))...)
}

// proofOptions carry over to the tag layout what proves a bundle's signature:
// the certificate with those above it, the log entry, and the time. Readers of
// that layout want the timestamp over stamped, which for a statement is its
// envelope and not the signature, so there it is another one.
func (s *session) proofOptions(ctx context.Context, b *protobundle.Bundle, stamped []byte) ([]static.Option, error) {
	opts := logOptions(b)
	if raw := b.GetVerificationMaterial().GetCertificate().GetRawBytes(); raw != nil {
		cert, chain, err := s.signer.Identity().Root.chainPEM(raw)
		if err != nil {
			return nil, err
		}
		opts = append(opts, static.WithCertChain(cert, chain))
	}
	if s.services == nil || len(s.services.stampers) == 0 {
		return opts, nil
	}
	var stamp []byte
	if times := b.GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps(); b.GetMessageSignature() != nil && len(times) > 0 {
		stamp = times[0].GetSignedTimestamp()
	} else {
		var err error
		if stamp, err = s.services.timestamps(ctx)[0].GetTimestamp(ctx, stamped); err != nil {
			return nil, err
		}
	}
	return append(opts, static.WithRFC3161Timestamp(cbundle.TimestampToRFC3161Timestamp(stamp))), nil
}

// logOptions carries a bundle's log entry over into the tag layout.
func logOptions(b *protobundle.Bundle) []static.Option {
	entries := b.GetVerificationMaterial().GetTlogEntries()
	promised := slices.IndexFunc(entries, func(e *protorekor.TransparencyLogEntry) bool {
		return len(e.GetInclusionPromise().GetSignedEntryTimestamp()) > 0
	})
	if promised < 0 { // later logs promise nothing, and the layout has no place for a proof
		return nil
	}
	e := entries[promised]
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

func appendTo(base v1.Image, sigs ...oci.Signature) (v1.Image, error) {
	if base == nil {
		base = empty.Signatures()
	}
	var adds []mutate.Addendum
	for _, sig := range sigs {
		annotations, err := sig.Annotations()
		if err != nil {
			return nil, err
		}
		adds = append(adds, mutate.Addendum{Layer: sig, Annotations: annotations})
	}
	return mutate.Append(base, adds...)
}
