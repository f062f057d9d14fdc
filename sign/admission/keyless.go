package admission

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/kiln-build/kiln/sign"
)

// stamped reports whether timestamps say when a certificate was used. Where they
// do, policy-controller and Kyverno ask no log, which cannot be told both.
func stamped(m sign.Material) bool { return len(m.Stampers) > 0 }

// named are an identity's parts by the names that others have for them. Their
// expressions match parts of a text, kiln's only a whole one.
func named(c sign.CertificateIdentity) object {
	subject, issuer := c.WholeRegexps()
	var o object
	for _, p := range []pair{{"issuer", c.Issuer}, {"issuerRegExp", issuer}, {"subject", c.Subject}, {"subjectRegExp", subject}} {
		if p.value != "" {
			o = append(o, p)
		}
	}
	return o
}

// keyless is an authority of policy-controller's, which trusts what is in the
// TrustRoot.
func (p Policy) keyless(c sign.CertificateIdentity) object {
	trusted := object{{"trustRootRef", p.name()}}
	identity := trusted
	if len(p.Material.CertificateLogs) == 0 {
		identity = append(identity, pair{"insecureIgnoreSCT", true})
	}
	identity = append(identity, pair{"identities", []object{named(c)}})
	if stamped(p.Material) {
		return object{{"keyless", identity}, {"ctlog", object{}}, {"rfc3161timestamp", trusted}}
	}
	return object{{"keyless", identity}, {"ctlog", trusted}}
}

// trustRoot is a TrustRoot of policy-controller's (policy.sigstore.dev/v1alpha1).
// It wants names and addresses, and does not heed them.
func (p Policy) trustRoot() object {
	authorities := func(list []sign.Authority) (out []object) {
		for _, a := range list {
			out = append(out, object{
				{"subject", object{{"organization", cmp.Or(a.Organization, "none")}, {"commonName", cmp.Or(a.CommonName, "none")}}},
				{"uri", cmp.Or(a.URI, "https://none.invalid")}, {"certChain", base64.StdEncoding.EncodeToString([]byte(a.Chain))},
			})
		}
		return out
	}
	logs := func(list []sign.Log) (out []object) {
		for _, l := range list {
			out = append(out, object{
				{"baseURL", cmp.Or(l.URL, "https://none.invalid")}, {"hashAlgorithm", "sha-256"},
				{"publicKey", base64.StdEncoding.EncodeToString([]byte(l.Key))},
			})
		}
		return out
	}
	var keys object
	for _, p := range []pair{
		{"certificateAuthorities", authorities(p.Material.Authorities)}, {"tLogs", logs(p.Material.Logs)},
		{"ctLogs", logs(p.Material.CertificateLogs)}, {"timestampAuthorities", authorities(p.Material.Stampers)},
	} {
		if len(p.value.([]object)) > 0 {
			keys = append(keys, p)
		}
	}
	return object{
		{"apiVersion", "policy.sigstore.dev/v1alpha1"}, {"kind", "TrustRoot"},
		{"metadata", object{{"name", p.name()}}}, {"spec", object{{"sigstoreKeys", keys}}},
	}
}

// checkMaterial tells what keeps a reader that takes one of each from trusting
// the instance.
func checkMaterial(reader string, m sign.Material) error {
	for _, of := range []struct {
		what string
		n    int
	}{{"timestamp authorities", len(m.Stampers)}, {"logs of certificates", len(m.CertificateLogs)}} {
		if of.n > 1 {
			return fmt.Errorf("the trusted root names %d %s, and %s can be told of one", of.n, of.what, reader)
		}
	}
	if len(m.Stampers) == 0 && len(m.Logs) != 1 {
		return fmt.Errorf("the trusted root names no timestamp authority and %d transparency logs, and %s can be told of one", len(m.Logs), reader)
	}
	return nil
}

// kyvernoKeyless is an entry of Kyverno's attestors. A subject or issuer in which
// * or ? would be any text to it is written as an expression.
func kyvernoKeyless(c sign.CertificateIdentity, m sign.Material) object {
	var roots strings.Builder
	for _, a := range m.Authorities {
		roots.WriteString(a.Chain)
	}
	rekor, ctlog := object{{"ignoreTlog", true}}, object{{"ignoreSCT", true}}
	if !stamped(m) {
		rekor = object{{"url", m.Logs[0].URL}, {"pubkey", m.Logs[0].Key}}
	}
	if len(m.CertificateLogs) > 0 {
		ctlog = object{{"pubkey", m.CertificateLogs[0].Key}}
	}
	if stamped(m) {
		ctlog = append(ctlog, pair{"tsaCertChain", m.Stampers[0].Chain})
	}
	if strings.ContainsAny(c.Subject, "*?") {
		c.Subject, c.SubjectRegexp = "", regexp.QuoteMeta(c.Subject)
	}
	if strings.ContainsAny(c.Issuer, "*?") {
		c.Issuer, c.IssuerRegexp = "", regexp.QuoteMeta(c.Issuer)
	}
	return object{{"keyless", append(named(c), pair{"roots", roots.String()}, pair{"rekor", rekor}, pair{"ctlog", ctlog})}}
}
