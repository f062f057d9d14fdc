package sign

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/kiln-build/kiln/recipes"
)

const tagPlace = "tag layout"

func verifyTagLayout(report *Report, attached recipes.Attached, id Identity) {
	sigs, err := layers(attached.Signatures)
	if err != nil {
		report.add(Check{Place: tagPlace, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}, Statement{})
	}
	signature := Statement{PredicateType: PredicateSignature}
	for _, sig := range sigs {
		who, err := verifySimple(sig, report.Subject, id)
		report.add(Check{PredicateType: PredicateSignature, Place: tagPlace, Certificate: who, Err: err}, signature)
	}
	atts, err := layers(attached.Attestations)
	if err != nil {
		report.add(Check{Place: tagPlace, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}, Statement{})
	}
	for _, att := range atts {
		s, who, err := verifyEnvelope(att, report.Subject, id)
		report.add(Check{PredicateType: s.PredicateType, Place: tagPlace, Certificate: who, Err: err}, s)
	}
}

// verifySimple checks a simple-signing signature and that its payload names
// the subject.
func verifySimple(l layer, subject v1.Hash, id Identity) (*Certificate, error) {
	c, err := l.message()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	who, err := id.check(c)
	if err != nil {
		return nil, err
	}
	var p payload.SimpleContainerImage
	if err := json.Unmarshal(l.payload, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if got := p.Critical.Image.DockerManifestDigest; got != subject.String() {
		return nil, fmt.Errorf("%w: %s", ErrOtherImage, got)
	}
	if p.Critical.Type != payload.CosignSignatureType {
		return nil, fmt.Errorf("%w: payload is of type %q", ErrOtherPredicate, p.Critical.Type)
	}
	return who, nil
}

// verifyEnvelope checks a signed statement. It returns the statement even
// where it does not count, as far as it could be read.
func verifyEnvelope(l layer, subject v1.Hash, id Identity) (Statement, *Certificate, error) {
	c, statement, err := l.envelope()
	if err != nil {
		return statement.Statement, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	who, err := id.check(c)
	if err != nil {
		return statement.Statement, nil, err
	}
	s, err := statement.about(subject, l.annotations["predicateType"])
	if err != nil {
		return s, nil, err
	}
	return s, who, nil
}
