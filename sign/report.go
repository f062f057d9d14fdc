package sign

import (
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Reasons why a statement does not count. Each [Check] that failed wraps one
// of them, and so does the error of [Verify].
var (
	ErrNone           = errors.New("none is attached")
	ErrOtherKey       = errors.New("another key signed it")
	ErrTampered       = errors.New("the signature does not fit: it was changed, or another key signed it")
	ErrOtherImage     = errors.New("it is about another image")
	ErrOtherPredicate = errors.New("it is of another type than its label says")
	ErrNotLogged      = errors.New("no transparency log entry that verifies")
	ErrMalformed      = errors.New("it cannot be read")
	ErrTestsFailed    = errors.New("it says that tests failed")
	ErrRebuilds       = errors.New("too few builders have made the same")
)

// Reasons why a certificate's signature does not count, besides those.
var (
	ErrNoCertificate        = errors.New("a key signed it, and no certificate")
	ErrOtherAuthority       = errors.New("its certificate is from no authority of the trusted root")
	ErrOtherIssuer          = errors.New("its certificate is for an identity of another issuer")
	ErrOtherIdentity        = errors.New("its certificate is for another identity")
	ErrCertificateNotLogged = errors.New("its certificate is in no log of certificates that the trusted root names")
	ErrNoTimestamp          = errors.New("no trusted timestamp says when it was signed, and its certificate was valid for minutes only")
	ErrExpired              = errors.New("its certificate was not valid when it was signed")
)

// Report is what [Verify] found.
type Report struct {
	Subject v1.Hash
	// Identity is whose signatures count, and Key its key's ID, where it is
	// a key.
	Identity Identity
	Key      string
	// Checks has one entry for everything attached, referrers first.
	Checks []Check
	// Statements are those that verified, each once, by predicate type.
	Statements []Statement
}

// Check is one signature or statement that was looked at.
type Check struct {
	// PredicateType is what it is, or claims to be; it may be empty where
	// it cannot be read.
	PredicateType string
	// Place is where it was found: the referrer's digest, or "tag layout".
	Place string
	// Certificate says who signed, where it verified under a certificate.
	Certificate *Certificate
	// Err is nil where it verified.
	Err error
}

// Statement returns the predicate of a verified statement.
func (r *Report) Statement(predicateType string) (Statement, bool) {
	for _, s := range r.Statements {
		if s.PredicateType == predicateType {
			return s, true
		}
	}
	return Statement{}, false
}

func (r *Report) add(c Check, s Statement) {
	r.Checks = append(r.Checks, c)
	same := func(have Statement) bool {
		return have.PredicateType == s.PredicateType && string(have.Predicate) == string(s.Predicate)
	}
	if c.Err == nil && !slices.ContainsFunc(r.Statements, same) {
		r.Statements = append(r.Statements, s)
	}
}

// missing is the error about what is required and did not verify.
func (r *Report) missing(require []string) error {
	var all []error
	for _, predicateType := range require {
		if _, ok := r.Statement(predicateType); !ok {
			all = append(all, &Error{Subject: r.Subject, PredicateType: predicateType, Reason: r.reason(predicateType)})
		}
	}
	return errors.Join(all...)
}

// reason is why none of a type verified. What cannot be read has no type, so
// it is the reason only where nothing nearer is.
func (r *Report) reason(predicateType string) error {
	reason := ErrNone
	for _, c := range r.Checks {
		switch {
		case c.Err == nil:
		case c.PredicateType == predicateType:
			return c.Err
		case c.PredicateType == "":
			reason = c.Err
		}
	}
	return reason
}

// Error says that an image lacks a statement of a type that verifies.
type Error struct {
	Subject       v1.Hash
	PredicateType string
	// Reason wraps one of the reasons above.
	Reason error
}

func (e *Error) Error() string {
	return fmt.Sprintf("verifying %s of %s: %v", describe(e.PredicateType), e.Subject, e.Reason)
}

// Unwrap returns e.Reason.
func (e *Error) Unwrap() error { return e.Reason }

// describe names the predicate types that people meet every day.
func describe(predicateType string) string {
	switch predicateType {
	case PredicateSignature:
		return "signature"
	case PredicateSPDX:
		return "SPDX document"
	case PredicateProvenance:
		return "provenance"
	case PredicateTestResult:
		return "test results"
	case PredicateRebuild:
		return "rebuild"
	case PredicateChecked:
		return "checked statement"
	case PredicateVEX:
		return "VEX"
	case PredicateScan:
		return "vulnerability report"
	}
	return predicateType
}
