package sign

import (
	"errors"
	"testing"

	"github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/kiln-build/kiln/recipes"
)

// What a key signed as something else is no statement, whatever it reads like.
func TestTagLayoutPayloadType(t *testing.T) {
	subject, key := imageNamed(t, "nats"), testKey(t)
	s := newSession(subject, "registry.example/x", key, Options{})
	statement := keylessStatements()[0]
	payload, err := statement.payload(subject.Digest, s.repository)
	if err != nil {
		t.Fatal(err)
	}
	for payloadType, want := range map[string]error{types.IntotoPayloadType: nil, "application/json": ErrMalformed} {
		b, err := s.sign(t.Context(), &sign.DSSEData{Data: payload, PayloadType: payloadType})
		if err != nil {
			t.Fatal(err)
		}
		att, err := s.attestation(t.Context(), envelope{predicateType: statement.PredicateType, proto: b})
		if err != nil {
			t.Fatal(err)
		}
		img, err := appendTo(nil, att)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Verify(t.Context(), subject.Digest, recipes.Attached{Attestations: img}, Identity{Key: key}, []string{statement.PredicateType})
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", payloadType, err, want)
		}
	}
}
