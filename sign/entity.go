package sign

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// about is a statement and what it is about.
type about struct {
	Statement
	subjects []inTotoSubject
}

// is reports whether the statement is about the image with this digest.
func (a about) is(subject v1.Hash) bool {
	for _, s := range a.subjects {
		if s.Digest[subject.Algorithm] == subject.Hex {
			return true
		}
	}
	return false
}

// readStatement reads an in-toto statement and leaves its predicate as it is.
// Names of fields count to the letter, as they do for other readers.
func readStatement(payload []byte) (about, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return about{}, err
	}
	var a about
	for name, value := range fields {
		var err error
		switch name {
		case "predicateType":
			err = json.Unmarshal(value, &a.PredicateType)
		case "subject":
			err = json.Unmarshal(value, &a.subjects)
		case "predicate":
			a.Predicate = value
		case "_type":
		default:
			err = fmt.Errorf("unknown field %q", name)
		}
		if err != nil {
			return about{}, fmt.Errorf("reading statement: %w", err)
		}
	}
	return a, nil
}

// entity is a bundle as sigstore-go's verifier takes it. It hands out the
// statement that was read here, because the verifier's own reader builds a
// tree of the whole predicate, twice, which takes a second for a large SBOM.
// The signature covers the same bytes either way.
type entity struct {
	*bundle.Bundle
	statement about
}

// parseBundle reads a bundle, which must hold an in-toto statement.
func parseBundle(data []byte) (*entity, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	envelope := b.GetDsseEnvelope()
	if got := envelope.GetPayloadType(); got != types.IntotoPayloadType {
		return nil, fmt.Errorf("content is %q, want an in-toto statement", got)
	}
	statement, err := readStatement(envelope.GetPayload())
	return &entity{Bundle: &b, statement: statement}, err
}

// SignatureContent implements verify.SignatureProvider.
func (e *entity) SignatureContent() (verify.SignatureContent, error) {
	envelope, err := e.Envelope()
	if err != nil {
		return nil, err
	}
	return &content{Envelope: envelope, statement: e.statement}, nil
}

type content struct {
	*bundle.Envelope
	statement about
}

// EnvelopeContent implements verify.SignatureContent.
func (c *content) EnvelopeContent() verify.EnvelopeContent { return c }

// RawEnvelope implements verify.EnvelopeContent.
func (c *content) RawEnvelope() *dsse.Envelope { return c.Envelope.Envelope }

// Statement implements verify.EnvelopeContent. Its predicate is left out.
func (c *content) Statement() (*intoto.Statement, error) {
	s := &intoto.Statement{Type: inTotoType, PredicateType: c.statement.PredicateType}
	for _, subject := range c.statement.subjects {
		s.Subject = append(s.Subject, &intoto.ResourceDescriptor{Name: subject.Name, Digest: subject.Digest})
	}
	return s, nil
}
