package sign

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// Root is what to trust of a Sigstore instance: the authorities of its
// certificates and timestamps, and the keys of its logs.
type Root struct {
	material root.TrustedMaterial
}

// LoadRoot reads a Sigstore trusted root, the JSON that
// `cosign trusted-root create` writes.
func LoadRoot(trustedRoot []byte) (*Root, error) {
	material, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return nil, err
	}
	r := &Root{material: material}
	if !r.Logs() && len(material.FulcioCertificateAuthorities()) == 0 {
		return nil, errors.New("it names no transparency log and no certificate authority")
	}
	return r, nil
}

// PublicRoot fetches the trusted root of Sigstore's public good instance by
// its update framework (TUF), and keeps it in the folder cache.
func PublicRoot(ctx context.Context, cache string) (*Root, error) {
	material, err := root.FetchTrustedRootWithOptions(publicRepository(ctx, cache))
	if err != nil {
		return nil, fmt.Errorf("fetching Sigstore's trusted root: %w", err)
	}
	return &Root{material: material}, nil
}

func publicRepository(ctx context.Context, cache string) *tuf.Options {
	return tuf.DefaultOptions().WithContext(ctx).WithCachePath(filepath.Join(cache, "tuf")).WithCacheValidity(1)
}

// Logs reports whether there is a transparency log of signatures.
func (r *Root) Logs() bool { return len(r.material.RekorLogs()) > 0 }

// certifies tells what keeps certificates from being verified.
func (r *Root) certifies() error {
	switch {
	case len(r.material.FulcioCertificateAuthorities()) == 0:
		return errors.New("the trusted root names no certificate authority")
	case !r.Logs() && len(r.material.TimestampingAuthorities()) == 0:
		return errors.New("the trusted root names neither a transparency log nor a timestamp authority, so nothing says when a certificate was used")
	}
	return nil
}

// chainPEM is a certificate and, apart, those of the authorities above it, as
// the tag layout has them.
func (r *Root) chainPEM(leaf []byte) (cert, above []byte, err error) {
	parsed, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, nil, err
	}
	chain, err := r.chain(parsed)
	if err != nil {
		return nil, nil, err
	}
	if cert, err = cryptoutils.MarshalCertificateToPEM(parsed); err != nil {
		return nil, nil, err
	}
	above, err = cryptoutils.MarshalCertificatesToPEM(chain[1:])
	return cert, above, err
}

// chain leads from a certificate to a root, at the time that it begins to be
// valid.
func (r *Root) chain(leaf *x509.Certificate) ([]*x509.Certificate, error) {
	chains, err := verify.VerifyLeafCertificate(leaf.NotBefore, leaf, r.material)
	if err != nil {
		return nil, ErrOtherAuthority
	}
	return chains[0], nil
}

// withoutLogs is the same without transparency logs.
func (r *Root) withoutLogs() *Root { return &Root{material: unlogged{r.material}} }

type unlogged struct{ root.TrustedMaterial }

func (unlogged) RekorLogs() map[string]*root.TransparencyLog { return nil }

// stamping has timestamps checked against other bytes than the signature:
// cosign's tag layout has those of a statement over its whole envelope.
type stamping struct {
	root.TrustedMaterial
	stamped []byte
}

func (s stamping) TimestampingAuthorities() []root.TimestampingAuthority {
	var all []root.TimestampingAuthority
	for _, a := range s.TrustedMaterial.TimestampingAuthorities() {
		all = append(all, stamper{a, s.stamped})
	}
	return all
}

type stamper struct {
	root.TimestampingAuthority
	stamped []byte
}

func (s stamper) Verify(timestamp, _ []byte) (*root.Timestamp, error) {
	return s.TimestampingAuthority.Verify(timestamp, s.stamped)
}
