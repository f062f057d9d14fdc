package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign/virtual"
)

const (
	issuer = "https://issuer.example"
	signee = "builder@corp.example"
)

var keylessRequired = []string{PredicateSignature, PredicateSPDX, PredicateProvenance}

func keylessStatements() []Statement {
	return []Statement{
		{PredicateType: PredicateSPDX, Predicate: json.RawMessage(`{"name":"nats"}`)},
		{PredicateType: PredicateProvenance, Predicate: json.RawMessage(`{"runDetails":{}}`)},
	}
}

func startVirtual(t testing.TB, o virtual.Options) *virtual.Instance {
	t.Helper()
	i, err := virtual.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func rootOf(t testing.TB, i *virtual.Instance) *Root {
	t.Helper()
	text, err := i.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	r, err := LoadRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func servicesOf(t testing.TB, i *virtual.Instance) *Services {
	t.Helper()
	text, err := i.SigningConfig()
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadServices(text, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.http.limit, s.http.waits = 2*time.Second, []time.Duration{time.Millisecond, time.Millisecond}
	return s
}

// who is an identity of an instance.
func who(t testing.TB, i *virtual.Instance, subject string) Identity {
	t.Helper()
	return Identity{Certificate: &CertificateIdentity{Issuer: issuer, Subject: subject}, Root: rootOf(t, i)}
}

func keylessConfig(t testing.TB, i *virtual.Instance, subject string) KeylessConfig {
	t.Helper()
	return KeylessConfig{
		Identity: who(t, i, subject), Services: servicesOf(t, i), Now: time.Now,
		Token: func(context.Context) (string, error) { return i.Token(issuer, subject), nil },
	}
}

func newKeyless(t testing.TB, i *virtual.Instance, subject string) *Keyless {
	t.Helper()
	k, err := NewKeyless(keylessConfig(t, i, subject))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func imageNamed(t testing.TB, name string) v1.Descriptor {
	t.Helper()
	digest, size, err := v1.SHA256(strings.NewReader(name))
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size}
}

// attachedTo is what a reader of the registry would find after signing.
func attachedTo(t testing.TB, subject v1.Descriptor, signer Signer, existing recipes.Attached) (found recipes.Attached, added int) {
	t.Helper()
	list, err := Sign(t.Context(), subject, "registry.example/x", signer, keylessStatements(), Options{Existing: existing})
	if err != nil {
		t.Fatal(err)
	}
	return foundOf(t, list), len(list)
}

func foundOf(t testing.TB, list []recipes.Attachment) (found recipes.Attached) {
	t.Helper()
	for _, a := range list {
		if a.Tag != "" {
			found.SetTag(a)
			continue
		}
		m, err := a.Image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		blob, err := a.Image.LayerByDigest(m.Layers[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		rc, err := blob.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		found.Bundles = append(found.Bundles, recipes.Bundle{Data: data, Claims: m.Annotations["dev.sigstore.bundle.predicateType"]})
	}
	return found
}

func onlyTags(a recipes.Attached) recipes.Attached {
	return recipes.Attached{Signatures: a.Signatures, Attestations: a.Attestations}
}

func onlyBundles(list ...recipes.Bundle) recipes.Attached { return recipes.Attached{Bundles: list} }

func TestKeylessVerifies(t *testing.T) {
	for name, o := range map[string]virtual.Options{
		"rekor v1":                {Logs: []int{1}},
		"rekor v1 and timestamps": {Logs: []int{1}, Timestamps: true},
		"rekor v2 and timestamps": {Logs: []int{2}, Timestamps: true},
		"timestamps alone":        {Timestamps: true},
	} {
		t.Run(name, func(t *testing.T) {
			i, subject := startVirtual(t, o), imageNamed(t, "nats")
			signer := newKeyless(t, i, signee)
			found, _ := attachedTo(t, subject, signer, recipes.Attached{})
			parts := map[string]recipes.Attached{"bundles": onlyBundles(found.Bundles...), "tags": onlyTags(found)}
			for part, attached := range parts {
				report, err := Verify(t.Context(), subject.Digest, attached, who(t, i, signee), keylessRequired)
				if part == "tags" && len(o.Logs) > 0 && o.Logs[0] == 2 { // its entries have no form there
					if !errors.Is(err, ErrNotLogged) {
						t.Errorf("tags without their log entries: got %v, want %v", err, ErrNotLogged)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", part, err)
				}
				for _, c := range report.Checks {
					if want := (Certificate{Issuer: issuer, Subject: signee}); c.Certificate == nil || *c.Certificate != want {
						t.Errorf("%s: signed by %v, want %v", part, c.Certificate, want)
					}
				}
			}
			if _, added := attachedTo(t, subject, newKeyless(t, i, signee), found); added != 0 {
				t.Errorf("signing again adds %d attachments, want none", added)
			}
			if got := i.Count("/fulcio/api/v2/signingCert"); got != 1 {
				t.Errorf("got %d certificates for one image, want 1", got)
			}
		})
	}
}

// Everything below is an attack or an accident, and each is told by its name.
func TestKeylessRefused(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{1}, Timestamps: true})
	elsewhere := startVirtual(t, virtual.Options{Logs: []int{1}, Timestamps: true})
	subject, other := imageNamed(t, "nats"), imageNamed(t, "other")
	good, _ := attachedTo(t, subject, newKeyless(t, i, signee), recipes.Attached{})
	ofOther, _ := attachedTo(t, other, newKeyless(t, i, signee), recipes.Attached{})
	mallory, _ := attachedTo(t, subject, newKeyless(t, i, "mallory@corp.example"), recipes.Attached{})
	foreign, _ := attachedTo(t, subject, newKeyless(t, elsewhere, signee), recipes.Attached{})
	keyed, _ := attachedTo(t, subject, testKey(t), recipes.Attached{})
	relabelled := good.Bundles[2]
	relabelled.Claims = PredicateSPDX
	swapped := swapEnvelope(t, good.Bundles[1], good.Bundles[2])
	otherIssuer := who(t, i, signee)
	otherIssuer.Certificate = &CertificateIdentity{Issuer: "https://evil.example", Subject: signee}
	me := who(t, i, signee)
	tests := []struct {
		name    string
		subject v1.Hash
		found   recipes.Attached
		id      Identity
		missing string
		want    error
	}{
		{"tampered manifest", other.Digest, onlyBundles(good.Bundles...), me, PredicateSignature, ErrOtherImage},
		{"tampered manifest, tags", other.Digest, onlyTags(good), me, PredicateSignature, ErrOtherImage},
		{"tampered manifest, statements in tags", other.Digest, onlyTags(good), me, PredicateSPDX, ErrOtherImage},
		{"wrong identity", subject.Digest, onlyBundles(mallory.Bundles...), me, PredicateSignature, ErrOtherIdentity},
		{"wrong identity, tags", subject.Digest, onlyTags(mallory), me, PredicateSignature, ErrOtherIdentity},
		{"wrong issuer", subject.Digest, onlyBundles(good.Bundles...), otherIssuer, PredicateSignature, ErrOtherIssuer},
		{"wrong issuer, tags", subject.Digest, onlyTags(good), otherIssuer, PredicateSPDX, ErrOtherIssuer},
		{"another instance", subject.Digest, onlyBundles(foreign.Bundles...), me, PredicateSignature, ErrOtherAuthority},
		{"another instance, tags", subject.Digest, onlyTags(foreign), me, PredicateSPDX, ErrOtherAuthority},
		{"attestation of another image", subject.Digest, onlyBundles(good.Bundles[0], ofOther.Bundles[1]), me, PredicateSPDX, ErrOtherImage},
		{"attestation of another type", subject.Digest, onlyBundles(good.Bundles[0], relabelled), me, PredicateSPDX, ErrOtherPredicate},
		{"replayed signature", subject.Digest, onlyBundles(good.Bundles[0], swapped), me, PredicateProvenance, ErrTampered},
		{"signature as statement", subject.Digest, onlyBundles(good.Bundles[0], good.Bundles[0]), me, PredicateSPDX, ErrNone},
		{"no log entry", subject.Digest, onlyBundles(change(t, good.Bundles[0], func(m map[string]any) { delete(m, "tlogEntries") })), me, PredicateSignature, ErrNotLogged},
		{"log entry of another", subject.Digest, onlyBundles(change(t, good.Bundles[0], func(m map[string]any) {
			m["tlogEntries"] = materialOf(t, good.Bundles[1])["tlogEntries"]
		})), me, PredicateSignature, ErrNotLogged},
		{"a key", subject.Digest, onlyBundles(keyed.Bundles...), me, PredicateSignature, ErrNoCertificate},
		{"a key, tags", subject.Digest, onlyTags(keyed), me, PredicateSignature, ErrNoCertificate},
		{"a certificate for a key", subject.Digest, onlyBundles(good.Bundles...), Identity{Key: testKey(t)}, PredicateSignature, ErrOtherKey},
		{"not a bundle", subject.Digest, onlyBundles(recipes.Bundle{Data: []byte(`{}`)}), me, PredicateSignature, ErrMalformed},
		{"removed statement", subject.Digest, onlyBundles(good.Bundles[:2]...), me, PredicateProvenance, ErrNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, err := Verify(t.Context(), tt.subject, tt.found, tt.id, []string{tt.missing})
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if report == nil {
				t.Fatal("no report")
			}
			if _, ok := report.Statement(tt.missing); ok {
				t.Error("the report has the statement that was refused")
			}
		})
	}
}

// A certificate is good for minutes. Without a trusted time nobody knows
// whether it was used within them, and outside of them it is worth nothing.
func TestKeylessTime(t *testing.T) {
	stamped := startVirtual(t, virtual.Options{Timestamps: true})
	subject := imageNamed(t, "nats")
	found, _ := attachedTo(t, subject, newKeyless(t, stamped, signee), recipes.Attached{})
	bare := change(t, found.Bundles[0], func(m map[string]any) { delete(m, "timestampVerificationData") })
	_, err := Verify(t.Context(), subject.Digest, onlyBundles(bare), who(t, stamped, signee), []string{PredicateSignature})
	if !errors.Is(err, ErrNoTimestamp) {
		t.Errorf("without timestamp: got %v, want %v", err, ErrNoTimestamp)
	}
	other := change(t, found.Bundles[0], func(m map[string]any) {
		m["timestampVerificationData"] = materialOf(t, found.Bundles[1])["timestampVerificationData"]
	})
	_, err = Verify(t.Context(), subject.Digest, onlyBundles(other), who(t, stamped, signee), []string{PredicateSignature})
	if !errors.Is(err, ErrNoTimestamp) {
		t.Errorf("with another signature's timestamp: got %v, want %v", err, ErrNoTimestamp)
	}

	// What was not signed within them is not attached.
	late := func() time.Time { return time.Now().Add(5 * time.Minute) }
	untimely := startVirtual(t, virtual.Options{Timestamps: true, Now: late})
	_, err = Sign(t.Context(), subject, "registry.example/x", newKeyless(t, untimely, signee), nil, Options{})
	if !errors.Is(err, ErrExpired) {
		t.Errorf("with a certificate of another time: got %v, want %v", err, ErrExpired)
	}
}

// Where the trusted root names logs of certificates, one must have the
// certificate.
func TestKeylessCertificateLog(t *testing.T) {
	i, subject := startVirtual(t, virtual.Options{Logs: []int{1}}), imageNamed(t, "nats")
	found, _ := attachedTo(t, subject, newKeyless(t, i, signee), recipes.Attached{})
	text, err := i.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	var trusted map[string]json.RawMessage
	if err := json.Unmarshal(text, &trusted); err != nil {
		t.Fatal(err)
	}
	trusted["ctlogs"] = trusted["tlogs"] // a log that has never seen a certificate
	if text, err = json.Marshal(trusted); err != nil {
		t.Fatal(err)
	}
	id := who(t, i, signee)
	if id.Root, err = LoadRoot(text); err != nil {
		t.Fatal(err)
	}
	for part, attached := range map[string]recipes.Attached{"bundles": onlyBundles(found.Bundles...), "tags": onlyTags(found)} {
		if _, err := Verify(t.Context(), subject.Digest, attached, id, []string{PredicateSPDX}); !errors.Is(err, ErrCertificateNotLogged) {
			t.Errorf("%s: got %v, want %v", part, err, ErrCertificateNotLogged)
		}
	}
}

// Identities that say nothing must not verify everything.
func TestIdentityNeverEmpty(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{1}})
	trusted := rootOf(t, i)
	certificate := func(c CertificateIdentity) Identity { return Identity{Certificate: &c, Root: trusted} }
	for name, id := range map[string]Identity{
		"nobody":              {},
		"no root":             {Certificate: &CertificateIdentity{Issuer: issuer, Subject: signee}},
		"key and more":        {Key: testKey(t), Certificate: &CertificateIdentity{Issuer: issuer, Subject: signee}, Root: trusted},
		"empty":               certificate(CertificateIdentity{}),
		"no subject":          certificate(CertificateIdentity{Issuer: issuer}),
		"no issuer":           certificate(CertificateIdentity{Subject: signee}),
		"any subject":         certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: ".*"}),
		"any but none":        certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: ".+"}),
		"any, from its ends":  certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "^.+$"}),
		"any address":         certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: ".*@.*"}),
		"any or one":          certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "a@corp.example|.+@.+"}),
		"any of a service":    certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "https://github.com/.+"}),
		"any letters":         certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "(?i)[^ ]+@[a-z.]+"}),
		"any issuer but none": certificate(CertificateIdentity{IssuerRegexp: "https?://.+", Subject: signee}),
		"any issuer":          certificate(CertificateIdentity{IssuerRegexp: "(x)?", Subject: signee}),
		"said twice":          certificate(CertificateIdentity{Issuer: issuer, Subject: signee, SubjectRegexp: "b.+"}),
		"not an expression":   certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "("}),
		"leaving the whole":   certificate(CertificateIdentity{Issuer: issuer, SubjectRegexp: "a)|(?:b"}),
	} {
		if _, err := Verify(t.Context(), v1.Hash{}, recipes.Attached{}, id, nil); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestIdentityRegexp(t *testing.T) {
	i, subject := startVirtual(t, virtual.Options{Logs: []int{1}}), imageNamed(t, "nats")
	found, _ := attachedTo(t, subject, newKeyless(t, i, signee), recipes.Attached{})
	for expr, want := range map[string]error{
		`builder@corp\.example`:   nil,
		`.+@corp\.example`:        nil,
		`^builder@.+\.example$`:   nil,
		`(?i)BUILDER@corp.+`:      nil,
		`builder@corp`:            ErrOtherIdentity, // the whole must match
		`corp\.example`:           ErrOtherIdentity,
		`mallory@.+|builder@corp`: ErrOtherIdentity,
	} {
		id := Identity{Certificate: &CertificateIdentity{IssuerRegexp: `https://issuer\..+`, SubjectRegexp: expr}, Root: rootOf(t, i)}
		if _, err := Verify(t.Context(), subject.Digest, found, id, keylessRequired); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", expr, err, want)
		}
	}
}

// A certificate for somebody else than configured ends it before anything is
// signed.
func TestKeylessUnexpectedIdentity(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{1}})
	config := keylessConfig(t, i, signee)
	config.Token = func(context.Context) (string, error) { return i.Token(issuer, "mallory@corp.example"), nil }
	k, err := NewKeyless(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Sign(t.Context(), imageNamed(t, "nats"), "registry.example/x", k, nil, Options{})
	var unexpected *UnexpectedIdentityError
	if !errors.As(err, &unexpected) || unexpected.Got.Subject != "mallory@corp.example" {
		t.Errorf("got %v, want an UnexpectedIdentityError", err)
	}
	if got := i.Count("/rekor1/api/v1/log/entries"); got != 0 {
		t.Errorf("got %d log entries, want none", got)
	}
}

func TestKeylessNeedsTime(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{2}})
	if k, err := NewKeyless(keylessConfig(t, i, signee)); err == nil {
		t.Errorf("got %v, want an error about the timestamp authority", k)
	}
}

// Servers are slow, break connections and are too busy; a log that took an
// entry before its answer was lost has it already.
func TestServicesTryAgain(t *testing.T) {
	hang := func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	refuse := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) }
	for name, tt := range map[string]struct {
		path  string
		logs  int
		done  bool
		fault http.HandlerFunc
	}{
		"fulcio hangs":         {"/fulcio/api/v2/signingCert", 1, false, hang},
		"fulcio breaks":        {"/fulcio/api/v2/signingCert", 1, false, abort},
		"fulcio is busy":       {"/fulcio/api/v2/signingCert", 1, false, refuse},
		"stamper hangs":        {"/tsa/api/v1/timestamp", 1, false, hang},
		"stamper breaks":       {"/tsa/api/v1/timestamp", 1, true, abort},
		"log hangs":            {"/rekor1/api/v1/log/entries", 1, false, hang},
		"log breaks":           {"/rekor1/api/v1/log/entries", 1, false, abort},
		"log hangs after it":   {"/rekor1/api/v1/log/entries", 1, true, hang},
		"log breaks after it":  {"/rekor1/api/v1/log/entries", 1, true, abort},
		"log is busy after it": {"/rekor1/api/v1/log/entries", 1, true, refuse},
		"second log hangs":     {"/rekor2/api/v2/log/entries", 2, true, hang},
		"second log is busy":   {"/rekor2/api/v2/log/entries", 2, false, refuse},
		"second log has it":    {"/rekor2/api/v2/log/entries", 2, true, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := startVirtual(t, virtual.Options{Logs: []int{tt.logs}, Timestamps: true})
			config := keylessConfig(t, i, signee)
			config.Services.http.limit = 300 * time.Millisecond
			k, err := NewKeyless(config)
			if err != nil {
				t.Fatal(err)
			}
			broken := make(chan bool, 1)
			broken <- true
			i.Break(func(w http.ResponseWriter, req *http.Request, done bool) bool {
				if req.URL.Path != tt.path || done != tt.done {
					return false
				}
				select {
				case <-broken:
					tt.fault(w, req)
					return true
				default:
					return false
				}
			})
			subject := imageNamed(t, "nats")
			found, _ := attachedTo(t, subject, k, recipes.Attached{})
			if len(broken) > 0 {
				t.Fatal("nothing broke")
			}
			if _, err := Verify(t.Context(), subject.Digest, onlyBundles(found.Bundles...), who(t, i, signee), keylessRequired); err != nil {
				t.Error(err)
			}
		})
	}
}

// What stays broken is an error, within the time of all attempts, and nothing
// is attached; a mistake of one's own is not tried again.
func TestServicesGiveUp(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{1}})
	i.Break(func(w http.ResponseWriter, req *http.Request, _ bool) bool {
		http.Error(w, "down", http.StatusBadGateway)
		return true
	})
	_, err := Sign(t.Context(), imageNamed(t, "nats"), "registry.example/x", newKeyless(t, i, signee), nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("got %v, want the server's 502", err)
	}
	if got, want := i.Count("/fulcio/api/v2/signingCert"), 3; got != want {
		t.Errorf("got %d attempts, want %d", got, want)
	}
	i.Break(func(w http.ResponseWriter, req *http.Request, _ bool) bool {
		http.Error(w, "your token has expired", http.StatusUnauthorized)
		return true
	})
	_, err = Sign(t.Context(), imageNamed(t, "nats"), "registry.example/x", newKeyless(t, i, signee), nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "your token has expired") {
		t.Errorf("got %v, want the server's words", err)
	}
	if got, want := i.Count("/fulcio/api/v2/signingCert"), 4; got != want {
		t.Errorf("got %d attempts in all, want %d", got, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	i.Break(func(_ http.ResponseWriter, req *http.Request, _ bool) bool { <-req.Context().Done(); return true })
	if _, err := Sign(ctx, imageNamed(t, "nats"), "registry.example/x", newKeyless(t, i, signee), nil, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// A key's signatures may be recorded by the same services.
func TestKeyWithServices(t *testing.T) {
	i, subject, key := startVirtual(t, virtual.Options{Logs: []int{2}, Timestamps: true}), imageNamed(t, "nats"), testKey(t)
	list, err := Sign(t.Context(), subject, "registry.example/x", key, nil, Options{Services: servicesOf(t, i)})
	if err != nil {
		t.Fatal(err)
	}
	found := foundOf(t, list)
	for id, want := range map[*Identity]error{
		{Key: key, Root: rootOf(t, i)}: nil,
		{Key: key, Root: rootOf(t, startVirtual(t, virtual.Options{Logs: []int{2}}))}: ErrNotLogged,
	} {
		if _, err := Verify(t.Context(), subject.Digest, onlyBundles(found.Bundles...), *id, []string{PredicateSignature}); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestActionsToken(t *testing.T) {
	i := startVirtual(t, virtual.Options{})
	token, err := ActionsToken(t.Context(), i.URL+"/token?api-version=2", "job")
	if want := i.Token(virtual.ActionsIssuer, virtual.ActionsIdentity); err != nil || token != want {
		t.Errorf("got %q, %v, want %q", token, err, want)
	}
	_, err = ActionsToken(t.Context(), i.URL+"/token", "secret-bearer")
	if err == nil || strings.Contains(err.Error(), "secret-bearer") {
		t.Errorf("got %v, want an error without the bearer", err)
	}
	if _, err := ActionsToken(t.Context(), "http://github.example/token", "job"); err == nil {
		t.Error("got no error about a bearer that goes over an open connection")
	}
}

// A person logs in elsewhere; the code is told, and the token is theirs.
func TestLoginByDevice(t *testing.T) {
	i := startVirtual(t, virtual.Options{Logs: []int{1}})
	var said bytes.Buffer
	login := Login{Issuer: i.URL, Client: Audience, Device: true, Say: &said}
	config := keylessConfig(t, i, virtual.Person)
	config.Identity.Certificate.Issuer, config.Token = i.URL, login.Token
	k, err := NewKeyless(config)
	if err != nil {
		t.Fatal(err)
	}
	subject := imageNamed(t, "nats")
	found, _ := attachedTo(t, subject, k, recipes.Attached{})
	if _, err := Verify(t.Context(), subject.Digest, found, config.Identity, keylessRequired); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "WDJB-MJHT") {
		t.Errorf("said %q, want the code", &said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	login.Say = io.Discard
	if _, err := login.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v, want %v", err, context.Canceled)
	}
}

func TestServicesRefused(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":       `x`,
		"another type":   `{"mediaType":"application/json"}`,
		"plain HTTP":     `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"http://fulcio.example","majorApiVersion":1,"validFor":{"start":"2020-01-01T00:00:00Z"}}]}`,
		"out of service": `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"https://fulcio.example","majorApiVersion":1,"validFor":{"start":"2020-01-01T00:00:00Z","end":"2021-01-01T00:00:00Z"}}]}`,
	} {
		if s, err := LoadServices([]byte(text), time.Now()); err == nil {
			t.Errorf("%s: got %v, want an error", name, s)
		}
	}
}

func testKey(t testing.TB) *Key {
	t.Helper()
	pair, err := cosign.GenerateKeyPair(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(pair.PrivateBytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func materialOf(t testing.TB, b recipes.Bundle) map[string]any {
	t.Helper()
	var all struct {
		Material map[string]any `json:"verificationMaterial"`
	}
	if err := json.Unmarshal(b.Data, &all); err != nil {
		t.Fatal(err)
	}
	return all.Material
}

// change changes a bundle's verification material.
func change(t testing.TB, b recipes.Bundle, with func(map[string]any)) recipes.Bundle {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b.Data, &all); err != nil {
		t.Fatal(err)
	}
	m := materialOf(t, b)
	with(m)
	var err error
	if all["verificationMaterial"], err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(all)
	if err != nil || bytes.Equal(data, b.Data) {
		t.Fatalf("nothing was changed: %v", err)
	}
	b.Data = data
	var parsed bundle.Bundle
	if err := parsed.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return b
}

// swapEnvelope is a bundle whose signature, certificate and log entry are of
// a, and whose payload is of b.
func swapEnvelope(t testing.TB, a, b recipes.Bundle) recipes.Bundle {
	t.Helper()
	parts := func(data []byte) (all, envelope map[string]json.RawMessage) {
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(all["dsseEnvelope"], &envelope); err != nil {
			t.Fatal(err)
		}
		return all, envelope
	}
	all, envelope := parts(a.Data)
	_, other := parts(b.Data)
	envelope["payload"] = other["payload"]
	var err error
	if all["dsseEnvelope"], err = json.Marshal(envelope); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return recipes.Bundle{Data: data, Claims: b.Claims}
}
