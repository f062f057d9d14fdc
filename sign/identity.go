package sign

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Identity says whose signatures count: those of Key, or those made under a
// certificate that Certificate describes. Exactly one of the two is set.
type Identity struct {
	// Key is the public key that must have signed.
	Key *Key
	// Certificate describes the certificates that count, which an authority
	// of Root must have issued.
	Certificate *CertificateIdentity
	// Root, where it is set, is the Sigstore instance one of whose
	// transparency logs must have recorded every signature. It is checked
	// offline, against the promise or proof that came with the signature.
	// With Certificate it is needed, and also says by whose timestamps a
	// certificate was valid when it was used.
	Root *Root
}

// CertificateIdentity describes who a certificate must have been issued to, as
// Fulcio notes it: the issuer of the identity token (extension
// 1.3.6.1.4.1.57264.1.8, or 1.1 in older ones), and the subject, which is the
// certificate's only alternative name. Of each, either the exact text or a
// regular expression that the whole text must match is set.
type CertificateIdentity struct {
	Issuer, IssuerRegexp   string
	Subject, SubjectRegexp string
}

// Check tells what keeps the identity from being one: that something is not
// said, said twice, or says nothing because it matches what anybody may be.
func (c CertificateIdentity) Check() error {
	if err := oneOf("subject", c.Subject, c.SubjectRegexp, anySubject()); err != nil {
		return err
	}
	return oneOf("issuer", c.Issuer, c.IssuerRegexp, anyIssuer())
}

// anySubject are subjects of people and jobs whom nobody knows: under a name
// that no domain can have (RFC 2606, section 2), and on services where anybody
// may have an account. An expression that matches one of them lets in anybody.
func anySubject() []string {
	return []string{
		"", "nobody", "nobody@anywhere.invalid", "nobody@gmail.com", "https://anywhere.invalid/nobody", "spiffe://anywhere.invalid/nobody",
		"https://github.com/nobody/nothing/.github/workflows/nothing.yml@refs/heads/nothing",
		"https://gitlab.com/nobody/nothing//.gitlab-ci.yml@refs/heads/nothing",
	}
}

func anyIssuer() []string {
	return []string{"", "nobody", "anywhere.invalid", "http://anywhere.invalid", "https://anywhere.invalid", "https://anywhere.invalid/nobody"}
}

func oneOf(what, exact, expr string, anybody []string) error {
	switch {
	case exact == "" && expr == "":
		return fmt.Errorf("the certificate's %s is not said", what)
	case exact != "" && expr != "":
		return fmt.Errorf("the certificate's %s is said twice, exactly and as a regular expression", what)
	case exact != "":
		return nil
	}
	if _, err := regexp.Compile(expr); err != nil { // by itself: one with a bracket too many could leave whole's
		return fmt.Errorf("the certificate's %s: %w", what, err)
	}
	re, err := regexp.Compile(whole(expr))
	if err != nil {
		return fmt.Errorf("the certificate's %s: %w", what, err)
	}
	for _, name := range anybody {
		if re.MatchString(name) {
			return fmt.Errorf("the certificate's %s: %q matches even %q, so it says nothing", what, expr, name)
		}
	}
	return nil
}

// WholeRegexps are the expressions as those must have them who look for a part
// of a text. They are empty where the text is said exactly.
func (c CertificateIdentity) WholeRegexps() (subject, issuer string) {
	return whole(c.SubjectRegexp), whole(c.IssuerRegexp)
}

// whole is an expression that matches only a whole text. An expression of
// which a part is enough would let anyone in who can choose the rest.
func whole(expr string) string {
	if expr == "" {
		return ""
	}
	return `\A(?:` + expr + `)\z`
}

func (c CertificateIdentity) String() string {
	text := func(exact, expr string) string {
		if exact != "" {
			return exact
		}
		return "/" + expr + "/"
	}
	return text(c.Subject, c.SubjectRegexp) + " (" + text(c.Issuer, c.IssuerRegexp) + ")"
}

func (c CertificateIdentity) matcher() (verify.CertificateIdentity, error) {
	return verify.NewShortCertificateIdentity(c.Issuer, whole(c.IssuerRegexp), c.Subject, whole(c.SubjectRegexp))
}

// String names the identity for people.
func (id Identity) String() string {
	switch {
	case id.Key != nil:
		return id.Key.ID()
	case id.Certificate != nil:
		return id.Certificate.String()
	}
	return "nobody"
}

// usable tells what keeps the identity from verifying anything. It fails
// closed: nobody in particular is an error.
func (id Identity) usable() error {
	switch {
	case id.Key == nil && id.Certificate == nil:
		return errors.New("no key and no certificate identity to verify with")
	case id.Key != nil && id.Certificate != nil:
		return errors.New("both a key and a certificate identity to verify with")
	case id.Key != nil:
		if id.Root != nil && !id.Root.Logs() {
			return errors.New("the trusted root names no transparency log")
		}
		return nil
	case id.Root == nil:
		return errors.New("a certificate identity needs a trusted root")
	}
	if err := id.Root.certifies(); err != nil {
		return err
	}
	return id.Certificate.Check()
}
