package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/kiln-build/kiln/recipes"
)

const tagPlace = "tag layout"

func verifyTagLayout(ctx context.Context, report *Report, attached recipes.Attached, id Identity) {
	sigs, err := layers(attached.Signatures)
	if err != nil {
		report.add(Check{Place: tagPlace, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}, Statement{})
	}
	signature := Statement{PredicateType: PredicateSignature}
	for _, sig := range sigs {
		err := verifySimple(ctx, sig, report.Subject, id)
		report.add(Check{PredicateType: PredicateSignature, Place: tagPlace, Err: err}, signature)
	}
	atts, err := layers(attached.Attestations)
	if err != nil {
		report.add(Check{Place: tagPlace, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}, Statement{})
	}
	for _, att := range atts {
		s, err := verifyEnvelope(ctx, att, report.Subject, id)
		report.add(Check{PredicateType: s.PredicateType, Place: tagPlace, Err: err}, s)
	}
}

// verifySimple checks a simple-signing signature and that its payload names
// the subject.
func verifySimple(ctx context.Context, sig oci.Signature, subject v1.Hash, id Identity) error {
	if err := wellFormed(sig, id); err != nil {
		return err
	}
	if _, err := cosign.VerifyImageSignature(ctx, sig, subject, checkOptions(Identity{Key: id.Key})); err != nil {
		return ErrTampered
	}
	data, err := sig.Payload()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var p payload.SimpleContainerImage
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if got := p.Critical.Image.DockerManifestDigest; got != subject.String() {
		return fmt.Errorf("%w: %s", ErrOtherImage, got)
	}
	if p.Critical.Type != payload.CosignSignatureType {
		return fmt.Errorf("%w: payload is of type %q", ErrOtherPredicate, p.Critical.Type)
	}
	if id.Log == nil {
		return nil
	}
	if _, err := cosign.VerifyImageSignature(ctx, sig, subject, checkOptions(id)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	return nil
}

// verifyEnvelope checks a signed statement. It returns the statement even
// where it does not count, as far as it could be read.
func verifyEnvelope(ctx context.Context, att oci.Signature, subject v1.Hash, id Identity) (Statement, error) {
	read, err := readEnvelope(att)
	statement := read.Statement
	if err != nil {
		return statement, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := wellFormed(att, id); err != nil {
		return statement, err
	}
	// Despite its name this checks one attestation of anything.
	if _, err := cosign.VerifyBlobAttestation(ctx, att, subject, checkOptions(Identity{Key: id.Key})); err != nil {
		return statement, ErrTampered
	}
	if !read.is(subject) {
		return statement, ErrOtherImage
	}
	labels, err := att.Annotations()
	if err != nil {
		return statement, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if claims := labels["predicateType"]; claims != "" && claims != statement.PredicateType {
		return Statement{PredicateType: claims}, fmt.Errorf("%w: it is %s", ErrOtherPredicate, statement.PredicateType)
	}
	if id.Log == nil {
		return statement, nil
	}
	if _, err := cosign.VerifyBlobAttestation(ctx, att, subject, checkOptions(id)); err != nil {
		return statement, fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	return statement, nil
}

func readEnvelope(att oci.Signature) (about, error) {
	data, err := att.Payload()
	if err != nil {
		return about{}, err
	}
	var env dsse.Envelope
	if err := json.Unmarshal(data, &env); err != nil {
		return about{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(env.Payload)
	if err != nil {
		return about{}, err
	}
	return readStatement(raw)
}

// wellFormed keeps from cosign's verifiers what they do not expect: they take
// a log entry's body for a string.
func wellFormed(sig oci.Signature, id Identity) error {
	if id.Log == nil {
		return nil
	}
	b, err := sig.Bundle()
	if err != nil || b == nil {
		return ErrNotLogged
	}
	if _, ok := b.Payload.Body.(string); !ok {
		return fmt.Errorf("%w: log entry without body", ErrMalformed)
	}
	return nil
}
