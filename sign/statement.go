package sign

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/types"
)

// Predicate types of the statements that kiln makes.
const (
	// PredicateSignature is cosign's: the image is signed, nothing more is
	// said about it. In the tag layout its place is taken by the
	// simple-signing payload.
	PredicateSignature = types.CosignSignPredicateType
	// PredicateSPDX is an SPDX 2 document.
	PredicateSPDX = "https://spdx.dev/Document"
	// PredicateProvenance is SLSA provenance v1, as [Provenance] writes it.
	PredicateProvenance = "https://slsa.dev/provenance/v1"
)

// Statement says something about an image: Predicate, whose form and meaning
// PredicateType names. Which image it is about is given to [Sign].
type Statement struct {
	PredicateType string
	// Predicate is a JSON object.
	Predicate json.RawMessage
}

// Kind is what people call a statement of its type, and the type where they
// have no word for it.
func (s Statement) Kind() string { return describe(s.PredicateType) }

// inToto is an in-toto Statement (in-toto attestation spec, v1/statement.md).
type inToto struct {
	Type          string          `json:"_type"`
	Subject       []inTotoSubject `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate,omitempty"`
}

type inTotoSubject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

const inTotoType = "https://in-toto.io/Statement/v1"

// payload is the statement about one image as the bytes that get signed.
func (s Statement) payload(subject v1.Hash, name string) ([]byte, error) {
	data, err := json.Marshal(inToto{
		Type: inTotoType,
		Subject: []inTotoSubject{{
			Name:   name,
			Digest: map[string]string{subject.Algorithm: subject.Hex},
		}},
		PredicateType: s.PredicateType,
		Predicate:     s.Predicate,
	})
	if err != nil {
		return nil, fmt.Errorf("writing %s statement: %w", s.PredicateType, err)
	}
	return data, nil
}
