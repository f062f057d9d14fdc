package sign

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/sign"
)

// Keyless signs without a key of one's own: with one that is made for the
// occasion, and a certificate that a Sigstore instance issues for it, for
// minutes, to whoever has an identity token. It is safe for concurrent use.
type Keyless struct {
	config KeylessConfig

	mu      sync.Mutex
	current *credentials
}

// KeylessConfig is what [NewKeyless] needs; all of it.
type KeylessConfig struct {
	// Identity describes the certificates that are expected, and the trusted
	// root to verify them. One that is issued for anybody else is refused,
	// before anything is signed with it.
	Identity Identity
	// Services issue certificates, record signatures and say the time.
	Services *Services
	// Token gets an OpenID Connect identity token. It is called for each
	// certificate: once, unless signing takes longer than one is valid.
	Token func(context.Context) (string, error)
	// Now is the clock, which only decides when to ask for another
	// certificate.
	Now func() time.Time
}

// NewKeyless returns the signer. Nothing is asked of any server yet.
func NewKeyless(c KeylessConfig) (*Keyless, error) {
	if c.Identity.Key != nil {
		return nil, errors.New("signing without a key: the identity has one")
	}
	if err := c.Identity.usable(); err != nil {
		return nil, fmt.Errorf("signing without a key: %w", err)
	}
	if err := c.Services.keyless(); err != nil {
		return nil, fmt.Errorf("signing without a key: %w", err)
	}
	return &Keyless{config: c}, nil
}

// Identity implements [Signer].
func (k *Keyless) Identity() Identity { return k.config.Identity }

func (k *Keyless) services() *Services { return k.config.Services }

// spare is for how long a certificate must still be valid to be used: its
// signature must be stamped or recorded before the end.
const spare = 2 * time.Minute

func (k *Keyless) credentials(ctx context.Context) (*credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && k.config.Now().Add(spare).Before(k.current.certificate.NotAfter) {
		return k.current, nil
	}
	fresh, err := k.issue(ctx)
	if err != nil {
		return nil, err
	}
	k.current = fresh
	return fresh, nil
}

// issue makes a key and gets a certificate for it.
func (k *Keyless) issue(ctx context.Context) (*credentials, error) {
	token, err := k.config.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("getting identity token: %w", err)
	}
	keypair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, err
	}
	fulcio := sign.NewFulcio(&sign.FulcioOptions{
		BaseURL: k.config.Services.authority, Timeout: -1, Transport: k.config.Services.transport(ctx),
	})
	der, err := fulcio.GetCertificate(ctx, keypair, &sign.CertificateProviderOptions{IDToken: token})
	if err != nil {
		return nil, fmt.Errorf("getting certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("getting certificate: %w", err)
	}
	if err := k.expected(leaf); err != nil {
		return nil, fmt.Errorf("getting certificate: %w", err)
	}
	if _, err := k.config.Identity.Root.chain(leaf); err != nil {
		return nil, fmt.Errorf("getting certificate: %w", err)
	}
	return &credentials{keypair: keypair, certificate: leaf}, nil
}

// expected refuses a certificate under which nothing would verify.
func (k *Keyless) expected(leaf *x509.Certificate) error {
	if k.config.Identity.stranger(leaf) == nil {
		return nil
	}
	s, err := certificate.SummarizeCertificate(leaf)
	if err != nil {
		return err
	}
	return &UnexpectedIdentityError{
		Got: Certificate{Issuer: s.Issuer, Subject: s.SubjectAlternativeName}, Want: *k.config.Identity.Certificate,
	}
}

// UnexpectedIdentityError says that a certificate was issued to another than
// signs by what was configured.
type UnexpectedIdentityError struct {
	Got  Certificate
	Want CertificateIdentity
}

func (e *UnexpectedIdentityError) Error() string {
	return fmt.Sprintf("it was issued to %s (%s), and expected is %s", e.Got.Subject, e.Got.Issuer, e.Want)
}

// Hint is the way out, for people.
func (e *UnexpectedIdentityError) Hint() string {
	return fmt.Sprintf("if that is who signs, say --certificate-identity %s --certificate-oidc-issuer %s", e.Got.Subject, e.Got.Issuer)
}
