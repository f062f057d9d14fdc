package sign

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// Material is what a [Root] trusts, in PEM, for those who have other words for
// it.
type Material struct {
	// Authorities issue certificates, and Stampers timestamps.
	Authorities, Stampers []Authority
	// Logs record signatures, and CertificateLogs certificates.
	Logs, CertificateLogs []Log
}

// Authority is one of certificates.
type Authority struct {
	URI string
	// Organization and CommonName are those of its root; they may be empty.
	Organization, CommonName string
	// Chain leads to Root, which is the last of it.
	Chain, Root string
}

// Log is a transparency log.
type Log struct {
	URL string
	// Key is its public key.
	Key string
}

// Material returns what r trusts, in an order that depends on nothing else.
func (r *Root) Material() (m Material, err error) {
	for _, a := range r.material.FulcioCertificateAuthorities() {
		if f, ok := a.(*root.FulcioCertificateAuthority); ok {
			if m.Authorities, err = appendAuthority(m.Authorities, f.URI, f.Root, f.Intermediates...); err != nil {
				return m, err
			}
		}
	}
	for _, a := range r.material.TimestampingAuthorities() {
		if s, ok := a.(*root.SigstoreTimestampingAuthority); ok {
			chain := s.Intermediates
			if s.Leaf != nil {
				chain = append([]*x509.Certificate{s.Leaf}, chain...)
			}
			if m.Stampers, err = appendAuthority(m.Stampers, s.URI, s.Root, chain...); err != nil {
				return m, err
			}
		}
	}
	if m.Logs, err = logsPEM(r.material.RekorLogs()); err != nil {
		return m, err
	}
	m.CertificateLogs, err = logsPEM(r.material.CTLogs())
	return m, err
}

func appendAuthority(list []Authority, uri string, top *x509.Certificate, below ...*x509.Certificate) ([]Authority, error) {
	if top == nil {
		return list, fmt.Errorf("reading trusted root: %q has no root certificate", uri)
	}
	chain, err := cryptoutils.MarshalCertificatesToPEM(append(slices.Clone(below), top))
	if err != nil {
		return list, fmt.Errorf("reading trusted root: %w", err)
	}
	last, err := cryptoutils.MarshalCertificateToPEM(top)
	if err != nil {
		return list, fmt.Errorf("reading trusted root: %w", err)
	}
	return append(list, Authority{
		URI: uri, Organization: strings.Join(top.Subject.Organization, " "), CommonName: top.Subject.CommonName,
		Chain: string(chain), Root: string(last),
	}), nil
}

func logsPEM(logs map[string]*root.TransparencyLog) ([]Log, error) {
	var list []Log
	for _, l := range logs {
		key, err := cryptoutils.MarshalPublicKeyToPEM(l.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("reading trusted root: %w", err)
		}
		list = append(list, Log{URL: l.BaseURL, Key: string(key)})
	}
	slices.SortFunc(list, func(a, b Log) int { return strings.Compare(a.URL+a.Key, b.URL+b.Key) })
	return list, nil
}
