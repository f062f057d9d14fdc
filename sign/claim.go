package sign

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Certificate says who a certificate was issued to, as [CertificateIdentity]
// describes it.
type Certificate struct {
	Issuer, Subject string
}

// claim is a signature with all that came with it to prove it.
type claim struct {
	verify.SignedEntity
	// message is what was signed where that is not part of the entity, as the
	// payload of an envelope is.
	message []byte
	// stamped is what timestamps are over where that is not the signature.
	stamped []byte
}

// check verifies that id signed the claim. It returns the certificate, where
// there is one. The error wraps one of the reasons.
func (id Identity) check(c claim) (*Certificate, error) {
	material := id.material(c.stamped)
	verifier, who, err := id.verifier(material)
	if err != nil {
		return nil, err
	}
	artifact := verify.WithoutArtifactUnsafe() // what a statement is about is looked at apart
	if c.message != nil {
		artifact = verify.WithArtifact(bytes.NewReader(c.message))
	}
	result, err := verifier.Verify(c, verify.NewPolicy(artifact, who))
	switch {
	case err != nil && id.Key != nil:
		return nil, id.keyReason(c, material, err)
	case err != nil:
		return nil, id.certificateReason(c, material, err)
	case id.Key != nil:
		return nil, nil
	}
	s := result.Signature.Certificate
	return &Certificate{Issuer: s.Issuer, Subject: s.SubjectAlternativeName}, nil
}

// material is what sigstore-go has to trust for this identity.
func (id Identity) material(stamped []byte) root.TrustedMaterial {
	var material root.TrustedMaterial = &root.BaseTrustedMaterial{}
	if id.Root != nil {
		material = id.Root.material
	}
	if stamped != nil {
		material = stamping{material, stamped}
	}
	if id.Key == nil {
		return material
	}
	key := root.NewExpiringKey(id.Key.verifier, time.Time{}, time.Time{})
	keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return key, nil
	})
	return root.TrustedMaterialCollection{keys, material}
}

// verifier asks for everything that the trusted root lets one ask for: a log
// entry where it names logs, a certificate's own log entry where it names such
// logs, and always a trusted time at which the certificate was valid.
func (id Identity) verifier(material root.TrustedMaterial) (*verify.Verifier, verify.PolicyOption, error) {
	var options []verify.VerifierOption
	if len(material.RekorLogs()) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if id.Key != nil {
		v, err := verify.NewVerifier(material, append(options, verify.WithNoObserverTimestamps())...)
		return v, verify.WithKey(), err
	}
	options = append(options, verify.WithObserverTimestamps(1))
	if len(material.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	who, err := id.Certificate.matcher()
	if err != nil {
		return nil, nil, err
	}
	v, err := verify.NewVerifier(material, options...)
	return v, verify.WithCertificateIdentity(who), err
}

// The verifier's errors are text only. To tell why a claim did not verify, its
// checks are done again one by one.

func (id Identity) keyReason(c claim, material root.TrustedMaterial, err error) error {
	content, cerr := c.VerificationContent()
	if cerr != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, cerr)
	}
	if content.Certificate() != nil {
		return ErrOtherKey
	}
	if c.signature(content, material) != nil {
		if hint := content.PublicKey().Hint(); hint != "" && hint != id.Key.hint() {
			return ErrOtherKey
		}
		return ErrTampered
	}
	return fmt.Errorf("%w: %w", ErrNotLogged, err)
}

func (id Identity) certificateReason(c claim, material root.TrustedMaterial, err error) error {
	content, cerr := c.VerificationContent()
	if cerr != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, cerr)
	}
	leaf := content.Certificate()
	if leaf == nil {
		return ErrNoCertificate
	}
	if c.signature(content, material) != nil {
		return ErrTampered
	}
	chains, cerr := verify.VerifyLeafCertificate(leaf.NotBefore, leaf, material)
	if cerr != nil {
		return ErrOtherAuthority
	}
	if reason := id.stranger(leaf); reason != nil {
		return reason
	}
	if len(material.CTLogs()) > 0 {
		if verify.VerifySignedCertificateTimestamp(chains, 1, material) != nil {
			return ErrCertificateNotLogged
		}
	}
	return c.whenReason(leaf, material, err)
}

// whenReason is for claims of which nothing but log entry and time can be
// wrong.
func (c claim) whenReason(leaf *x509.Certificate, material root.TrustedMaterial, err error) error {
	var times []time.Time
	if len(material.RekorLogs()) > 0 {
		logged, lerr := verify.VerifyTlogEntry(c, material, 1, true)
		if lerr != nil {
			return fmt.Errorf("%w: %w", ErrNotLogged, lerr)
		}
		for _, t := range logged {
			times = append(times, t.Time)
		}
	}
	stamped, _, serr := verify.VerifySignedTimestamp(c, material)
	if serr != nil {
		return fmt.Errorf("%w: %w", ErrNoTimestamp, serr)
	}
	for _, t := range stamped {
		times = append(times, t.Time)
	}
	if len(times) == 0 {
		return ErrNoTimestamp
	}
	for _, t := range times {
		if t.Before(leaf.NotBefore) || t.After(leaf.NotAfter) {
			return fmt.Errorf("%w: signed at %s, valid from %s to %s", ErrExpired, stamp(t), stamp(leaf.NotBefore), stamp(leaf.NotAfter))
		}
	}
	return fmt.Errorf("%w: %w", ErrTampered, err)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// stranger tells in which way a certificate is another's than Certificate
// describes.
func (id Identity) stranger(leaf *x509.Certificate) error {
	s, err := certificate.SummarizeCertificate(leaf)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	who, err := id.Certificate.matcher()
	if err != nil {
		return err
	}
	if who.Issuer.Verify(s) != nil {
		return fmt.Errorf("%w: %s", ErrOtherIssuer, s.Issuer)
	}
	if who.SubjectAlternativeName.Verify(s) != nil {
		return fmt.Errorf("%w: %s", ErrOtherIdentity, s.SubjectAlternativeName)
	}
	return nil
}

// signature checks that the key behind content signed the claim, and nothing
// else.
func (c claim) signature(content verify.VerificationContent, material root.TrustedMaterial) error {
	sig, err := c.SignatureContent()
	if err != nil {
		return err
	}
	if c.message == nil {
		if sig.EnvelopeContent() == nil {
			return errors.New("no envelope")
		}
		return verify.VerifySignature(sig, content, material)
	}
	return verify.VerifySignatureWithArtifacts(sig, content, material, []io.Reader{bytes.NewReader(c.message)})
}
