package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/recipes"
)

// Options are the optional parts of [Sign].
type Options struct {
	// TLog is the URL of a Rekor transparency log that every signature is
	// recorded in. If empty, none is: nothing leaves the machine.
	TLog string
	// Existing is what is attached to the image already. What this key
	// signed there is not signed again, and what others signed is kept.
	Existing recipes.Attached
}

// Sign signs the image whose manifest is subject, and the statements about
// it. The result is what has to be attached to the image: one referrer for
// the signature and one for each statement, and the two images of cosign's
// tag layout. What is in opts.Existing already is left out, so that signing
// twice attaches nothing the second time.
//
// Repository is the image's name without tag or digest, as
// "registry.corp/platform/nats"; it is the name of the statements' subject
// and the docker-reference of the simple-signing payload.
func Sign(ctx context.Context, subject v1.Descriptor, repository string, key *Key, statements []Statement, opts Options) ([]recipes.Attachment, error) {
	s := newSession(subject, repository, key, opts)
	all := append([]Statement{{PredicateType: PredicateSignature}}, statements...)
	var attachments []recipes.Attachment
	var envelopes []envelope
	for i, statement := range all {
		e, fresh, err := s.bundle(ctx, statement)
		if err != nil {
			return nil, fmt.Errorf("signing %s: %w", repository, err)
		}
		if fresh {
			img, err := referrer(subject, statement.PredicateType, e.proto)
			if err != nil {
				return nil, fmt.Errorf("signing %s: %w", repository, err)
			}
			attachments = append(attachments, recipes.Attachment{Image: img})
		}
		if i > 0 { // the tag layout has its own form of the first one
			envelopes = append(envelopes, e)
		}
	}
	tagged, err := s.tagLayout(ctx, envelopes)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", repository, err)
	}
	return append(attachments, tagged...), nil
}

// session is one call of Sign.
type session struct {
	subject    v1.Descriptor
	repository string
	key        *Key
	existing   recipes.Attached
	logs       []sign.Transparency
	// keypair opens the private key when something has to be signed.
	keypair func() (*keypair, error)
}

func newSession(subject v1.Descriptor, repository string, key *Key, opts Options) *session {
	s := &session{subject: subject, repository: repository, key: key, existing: opts.Existing}
	if opts.TLog != "" {
		s.logs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: opts.TLog, Retries: 2})}
	}
	s.keypair = sync.OnceValues(func() (*keypair, error) { return newKeypair(key) })
	return s
}

// envelope is a signed statement.
type envelope struct {
	predicateType string
	proto         *protobundle.Bundle
}

// bundle signs one statement, or finds that it is signed already.
func (s *session) bundle(ctx context.Context, statement Statement) (e envelope, fresh bool, err error) {
	e.predicateType = statement.PredicateType
	payload, err := statement.payload(s.subject.Digest, s.repository)
	if err != nil {
		return e, false, err
	}
	if e.proto = s.find(ctx, payload); e.proto != nil {
		return e, false, nil
	}
	e.proto, err = s.sign(ctx, &sign.DSSEData{Data: payload, PayloadType: types.IntotoPayloadType})
	return e, true, err
}

func (s *session) sign(ctx context.Context, content sign.Content) (*protobundle.Bundle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	kp, err := s.keypair()
	if err != nil {
		return nil, err
	}
	return sign.Bundle(content, kp, sign.BundleOptions{Context: ctx, TransparencyLogs: s.logs})
}

// find returns the existing bundle with this payload, where the key signed it
// and the log that is asked for has it.
func (s *session) find(ctx context.Context, payload []byte) *protobundle.Bundle {
	for _, b := range s.existing.Bundles {
		parsed, err := parseBundle(b.Data)
		if err != nil || !bytes.Equal(parsed.GetDsseEnvelope().GetPayload(), payload) {
			continue
		}
		logged := len(parsed.GetVerificationMaterial().GetTlogEntries()) > 0
		if len(s.logs) > 0 && !logged {
			continue
		}
		if verifySignature(ctx, parsed, s.key) == nil {
			return parsed.Bundle.Bundle
		}
	}
	return nil
}

// marshalBundle writes a bundle as JSON. protojson varies its white space
// from one program to the next on purpose, hence the second step.
func marshalBundle(b *protobundle.Bundle) ([]byte, error) {
	raw, err := protojson.Marshal(b)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
