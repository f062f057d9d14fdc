package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/policy"
)

// evidence is what of the things that are attached to an image verifies. It
// depends on nothing else but whom a policy believes, and so can be remembered.
type evidence struct {
	// Signer, Unsigned, Statements and TestsFailed are as policy.Facts have
	// them.
	Signer      string
	Unsigned    []string
	Statements  []string
	TestsFailed bool
	// Signature is one of the signature… constants, and Reason why it is not
	// signatureVerified.
	Signature, Reason string
	// Checks are all that is attached, as it was seen under the signer, or else
	// under the first identity.
	Checks []checkedThing
	Tests  []testsThing
	// Made is how the image came about; nil where no provenance of kiln's
	// verifies.
	Made       *made
	SBOM       *policy.SBOM
	Rebuilders []string
	// Report is the newest report of a scan, and VEX are the statements, of
	// those that verified.
	Report json.RawMessage `json:",omitempty"`
	VEX    []sign.Statement
	// Inputs are the digests of the attestations that verified.
	Inputs []v1.Hash
}

// What is known of an image's signature.
const (
	signatureVerified = "verified"
	signatureOther    = "other" // of somebody else, or one that does not fit
	signatureNone     = "none"
	signatureUnasked  = "unasked" // nobody is named who must have signed
)

// made is what a provenance that verifies says of an image's making.
type made struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Variant string `json:"variant,omitempty"`
	Suite   string `json:"suite"`
	// Recipe and Lock are the sha256 of their texts, and BuildKey that of all
	// that goes into the build.
	Recipe   string `json:"recipeSha256"`
	Lock     string `json:"lockSha256"`
	BuildKey string `json:"buildKey"`
	// Origin is what a policy asks about.
	policy.Origin `json:"-"`
}

// evidence verifies what is attached to the image with the digest. The error is
// about what keeps it from looking. The report is nil where nobody signed.
func (p *policyRun) evidence(ctx context.Context, asked *recipes.Policy, digest v1.Hash, attached recipes.Attached) (*evidence, *sign.Report, error) {
	e := &evidence{}
	report, err := p.signer(ctx, asked, digest, attached, e)
	if err != nil || report == nil {
		return e, nil, err
	}
	e.readStatements(report)
	for _, check := range report.Checks {
		if d, err := v1.NewHash(check.Place); err == nil && check.Err == nil {
			e.Inputs = append(e.Inputs, d)
		}
	}
	key := ""
	if s, ok := report.Statement(sign.PredicateProvenance); ok {
		key = sign.BuildKey(s.Predicate)
		e.Made = madeBy(s.Predicate)
	}
	if s, ok := report.Statement(sign.PredicateSPDX); ok {
		e.SBOM = sbomFacts(s.Predicate)
	}
	if asked.Rebuilds != nil {
		e.Rebuilders, err = sign.Rebuilders(ctx, digest, attached, key, report.Identity.String(), p.rebuilders)
	}
	return e, report, err
}

// signer is what verifies under the first identity that signed all that is
// asked for, or else under the first that signed the image at all.
func (p *policyRun) signer(ctx context.Context, asked *recipes.Policy, digest v1.Hash, attached recipes.Attached, e *evidence) (*sign.Report, error) {
	var some *sign.Report
	required := append([]string{sign.PredicateSignature}, policy.Statements(asked)...)
	for i, id := range p.identities {
		report, err := sign.Verify(ctx, digest, attached, id, required)
		var unverified *sign.Error
		switch {
		case err == nil:
			e.Signer, e.Signature, e.Checks = report.Identity.String(), signatureVerified, checksOf(report)
			return report, nil
		case !errors.As(err, &unverified):
			return nil, err
		}
		_, signed := report.Statement(sign.PredicateSignature)
		if signed && some == nil {
			some, e.Signer, e.Signature, e.Checks = report, report.Identity.String(), signatureVerified, checksOf(report)
		}
		if i == 0 && !signed {
			e.Checks = checksOf(report)
		}
		if some == nil {
			e.unverified(unverified)
		}
		e.Unsigned = append(e.Unsigned, fmt.Sprintf("%s: %v", report.Identity, unverified))
	}
	return some, nil
}

// unverified notes why the signature of an identity does not verify: what comes
// nearest counts.
func (e *evidence) unverified(err *sign.Error) {
	if errors.Is(err.Reason, sign.ErrNone) {
		if e.Signature == "" {
			e.Signature, e.Reason = signatureNone, err.Reason.Error()
		}
		return
	}
	if e.Signature != signatureOther {
		e.Signature, e.Reason = signatureOther, err.Reason.Error()
	}
}

func (e *evidence) readStatements(report *sign.Report) {
	var newest time.Time
	for _, s := range report.Statements {
		if s.PredicateType == sign.PredicateVSA && !sign.SummaryPassed(s.Predicate) {
			continue
		}
		e.Statements = append(e.Statements, s.PredicateType)
		switch s.PredicateType {
		case sign.PredicateTestResult:
			t, err := sign.TestsOf(s.Predicate)
			e.TestsFailed = e.TestsFailed || err != nil || t.Result == sign.ResultFailed
			if err == nil {
				e.Tests = append(e.Tests, testsThing(t))
			}
		case sign.PredicateScan:
			if r, err := scan.ReadReport(s.Predicate); err == nil && (e.Report == nil || r.At.After(newest)) {
				e.Report, newest = s.Predicate, r.At
			}
		}
	}
	e.VEX = sign.OpenVEX(report.Statements)
}

// facts are what a policy asks about of it.
func (e *evidence) facts() policy.Facts {
	f := policy.Facts{
		Signer: e.Signer, Unsigned: e.Unsigned, Statements: e.Statements, TestsFailed: e.TestsFailed,
		SBOM: e.SBOM, Rebuilders: e.Rebuilders,
	}
	if e.Made != nil {
		f.Origin = &e.Made.Origin
	}
	return f
}

// madeBy reads the provenance; nil where it is not one of kiln's.
func madeBy(predicate []byte) *made {
	o, err := sign.OriginOf(predicate)
	if err != nil {
		return nil
	}
	r, err := recipes.ParseVariant("recipe.yaml", o.Variant, o.Recipe)
	if err != nil {
		return nil
	}
	lock, err := recipes.ParseLock("recipe.lock", o.Lock)
	if err != nil {
		return nil
	}
	m := &made{
		Name: r.Name, Version: r.Version, Variant: o.Variant, Suite: r.Suite,
		Recipe: digestOf(o.Recipe), Lock: digestOf(o.Lock), BuildKey: o.Key,
		Origin: policy.Origin{Builder: o.Builder, Base: r.Image.Base, EndOfLife: dayOf(r.EOL)},
	}
	for _, d := range o.Dependencies {
		if !slices.Contains(d.Roles, "source") && !slices.Contains(d.Roles, "fetched") {
			continue
		}
		uri := d.URI
		if d.Local {
			uri = "local:" + d.Name
		}
		m.Sources = append(m.Sources, uri)
	}
	for _, a := range lock.Archives {
		if t, err := time.Parse(time.RFC3339, a.Date); err == nil && t.After(m.Dated) {
			m.Dated = t
		}
	}
	return m
}

// dayOf is a day as recipes write it; zero where there is none.
func dayOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func sbomFacts(document []byte) *policy.SBOM {
	list, coverage, err := sbom.ShippedOf(document)
	if err != nil {
		return nil
	}
	facts := &policy.SBOM{Coverage: coverage}
	for _, c := range list {
		facts.Components = append(facts.Components, policy.Component{Name: c.Name + " " + c.Version, License: c.License})
	}
	return facts
}
