package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/recipes"
)

// Options are the optional parts of [Sign].
type Options struct {
	// TLog is the URL of a Rekor transparency log (of the first version)
	// that every signature of a key is recorded in, and Services are logs
	// and timestamp authorities of a Sigstore instance. If neither is set,
	// nothing leaves the machine. A [Keyless] has services of its own.
	TLog     string
	Services *Services
	// Existing is what is attached to the image already. What this signer
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
func Sign(ctx context.Context, subject v1.Descriptor, repository string, signer Signer, statements []Statement, opts Options) ([]recipes.Attachment, error) {
	s := newSession(subject, repository, signer, opts)
	return s.attach(ctx, append([]Statement{{PredicateType: PredicateSignature}}, statements...))
}

// Attest is [Sign] for the statements alone: who says something about an image
// does not sign it thereby.
func Attest(ctx context.Context, subject v1.Descriptor, repository string, signer Signer, statements []Statement, opts Options) ([]recipes.Attachment, error) {
	return newSession(subject, repository, signer, opts).attach(ctx, statements)
}

// attach makes the attachments for the statements, of which [PredicateSignature]
// has a form of its own in the tag layout.
func (s *session) attach(ctx context.Context, statements []Statement) ([]recipes.Attachment, error) {
	var attachments []recipes.Attachment
	var envelopes []envelope
	signature := false
	for _, statement := range statements {
		e, fresh, err := s.bundle(ctx, statement)
		if err != nil {
			return nil, fmt.Errorf("signing %s: %w", s.repository, err)
		}
		if fresh {
			img, err := referrer(s.subject, statement.PredicateType, e.proto)
			if err != nil {
				return nil, fmt.Errorf("signing %s: %w", s.repository, err)
			}
			attachments = append(attachments, recipes.Attachment{Image: img})
		}
		if statement.PredicateType == PredicateSignature {
			signature = true
		} else {
			envelopes = append(envelopes, e)
		}
	}
	tagged, err := s.tagLayout(ctx, signature, envelopes)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", s.repository, err)
	}
	return append(attachments, tagged...), nil
}

// session is one call of Sign.
type session struct {
	subject    v1.Descriptor
	repository string
	signer     Signer
	existing   recipes.Attached
	services   *Services // nil where nothing leaves the machine
}

func newSession(subject v1.Descriptor, repository string, signer Signer, opts Options) *session {
	s := &session{subject: subject, repository: repository, signer: signer, existing: opts.Existing}
	switch own := signer.services(); {
	case own != nil:
		s.services = own
	case opts.Services != nil:
		s.services = opts.Services
	case opts.TLog != "":
		s.services = onlyLog(opts.TLog)
	}
	return s
}

// logs reports whether signatures are recorded.
func (s *session) logs() bool { return s.services != nil && len(s.services.logs) > 0 }

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
	if e.proto = s.find(payload); e.proto != nil {
		return e, false, nil
	}
	e.proto, err = s.sign(ctx, &sign.DSSEData{Data: payload, PayloadType: types.IntotoPayloadType})
	return e, true, err
}

// sign signs, and records the signature where that is asked for. A signature
// that a log has already, without telling its proof, is one whose first answer
// was lost: most algorithms make another when they sign again.
func (s *session) sign(ctx context.Context, content sign.Content) (*protobundle.Bundle, error) {
	for try := 1; ; try++ {
		b, err := s.signOnce(ctx, content)
		if !errors.Is(err, errDuplicate) || try == 3 {
			return b, err
		}
	}
}

func (s *session) signOnce(ctx context.Context, content sign.Content) (*protobundle.Bundle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cred, err := s.signer.credentials(ctx)
	if err != nil {
		return nil, err
	}
	opts := sign.BundleOptions{Context: ctx}
	if cred.certificate != nil {
		opts.CertificateProvider = fixed(cred.certificate.Raw)
	}
	if s.services != nil {
		opts.TransparencyLogs, opts.TimestampAuthorities = s.services.transparency(ctx), s.services.timestamps(ctx)
	}
	b, err := sign.Bundle(content, cred.keypair, opts)
	if err != nil {
		return nil, err
	}
	return b, s.proven(b, content)
}

// proven makes sure that what the services answered verifies, before anything
// is attached: one that does not is of another instance than the trusted root.
func (s *session) proven(b *protobundle.Bundle, signed sign.Content) error {
	id := s.signer.Identity()
	if id.Root == nil {
		return nil
	}
	parsed, err := bundle.NewBundle(b)
	if err != nil {
		return err
	}
	c := claim{SignedEntity: parsed}
	if plain, ok := signed.(*sign.PlainData); ok {
		c.message = plain.Data
	}
	if _, err := id.check(c); err != nil {
		return fmt.Errorf("the signature that was made does not verify under the trusted root: %w", err)
	}
	return nil
}

// find returns the existing bundle with this payload, where the signer made it
// and the log that is asked for has it.
func (s *session) find(payload []byte) *protobundle.Bundle {
	for _, b := range s.existing.Bundles {
		parsed, err := parseBundle(b.Data)
		if err != nil || !bytes.Equal(parsed.GetDsseEnvelope().GetPayload(), payload) {
			continue
		}
		if s.logs() && len(parsed.GetVerificationMaterial().GetTlogEntries()) == 0 {
			continue
		}
		if _, err := s.signer.Identity().check(claim{SignedEntity: parsed}); err == nil {
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
