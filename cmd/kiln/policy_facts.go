package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/policy"
)

// facts gathers what the policy asks about the image with the digest. What does
// not verify, or cannot be read, is left out: then what asks for it fails. The
// error is about what keeps it from looking.
func (p *policyRun) facts(ctx context.Context, asked *recipes.Policy, digest v1.Hash, platform string) (f policy.Facts, err error) {
	attached, err := p.statements(ctx, digest)
	if err != nil {
		return f, err
	}
	report, err := p.signer(ctx, asked, digest, attached, &f)
	if err != nil || report == nil {
		return f, err
	}
	for _, s := range report.Statements {
		if s.PredicateType == sign.PredicateVSA && !sign.SummaryPassed(s.Predicate) {
			continue
		}
		f.Statements = append(f.Statements, s.PredicateType)
		if s.PredicateType == sign.PredicateTestResult {
			t, err := sign.TestsOf(s.Predicate)
			f.TestsFailed = f.TestsFailed || err != nil || t.Result == sign.ResultFailed
		}
	}
	for _, check := range report.Checks {
		if d, err := v1.NewHash(check.Place); err == nil && check.Err == nil {
			p.inputs = append(p.inputs, d)
		}
	}
	var key string
	if s, ok := report.Statement(sign.PredicateProvenance); ok {
		key = sign.BuildKey(s.Predicate)
		f.Origin = originFacts(s.Predicate)
		p.built = p.built || digest == p.found.Descriptor.Digest
	}
	if s, ok := report.Statement(sign.PredicateSPDX); ok {
		f.SBOM = sbomFacts(s.Predicate)
	}
	if asked.Vulnerabilities != nil {
		if f.Scan, err = p.scanFacts(report, digest, platform); err != nil {
			return f, err
		}
	}
	if asked.Rebuilds != nil {
		if f.Rebuilders, err = sign.Rebuilders(ctx, digest, attached, key, report.Identity.String(), p.rebuilders); err != nil {
			return f, err
		}
	}
	if asked.MaxSize != "" || asked.MaxAge != "" || len(asked.Refuse) > 0 {
		f.Image, err = p.imageFacts(ctx, asked, digest)
	}
	return f, err
}

// signer is what verifies under the first identity that signed all that is
// asked for, or else under the first that signed the image at all.
func (p *policyRun) signer(ctx context.Context, asked *recipes.Policy, digest v1.Hash, attached recipes.Attached, f *policy.Facts) (*sign.Report, error) {
	var some *sign.Report
	required := append([]string{sign.PredicateSignature}, policy.Statements(asked)...)
	for _, id := range p.identities {
		report, err := sign.Verify(ctx, digest, attached, id, required)
		var unverified *sign.Error
		switch {
		case err == nil:
			f.Signer = report.Identity.String()
			return report, nil
		case !errors.As(err, &unverified):
			return nil, err
		}
		if _, signed := report.Statement(sign.PredicateSignature); signed && some == nil {
			some, f.Signer = report, report.Identity.String()
		}
		f.Unsigned = append(f.Unsigned, fmt.Sprintf("%s: %v", report.Identity, unverified))
	}
	return some, nil
}

// originFacts reads the provenance, which is nil where it is not one of kiln's.
func originFacts(predicate []byte) *policy.Origin {
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
	facts := &policy.Origin{Builder: o.Builder, Base: r.Image.Base}
	for _, d := range o.Dependencies {
		if !slices.Contains(d.Roles, "source") && !slices.Contains(d.Roles, "fetched") {
			continue
		}
		uri := d.URI
		if d.Local {
			uri = "local:" + d.Name
		}
		facts.Sources = append(facts.Sources, uri)
	}
	for _, a := range lock.Archives {
		if t, err := time.Parse(time.RFC3339, a.Date); err == nil && t.After(facts.Dated) {
			facts.Dated = t
		}
	}
	return facts
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

// scanFacts reads the newest of the reports that verified, and applies the VEX
// documents that verified: what these suppress is no matter as long as they
// hold. It is nil where no report can be read.
func (p *policyRun) scanFacts(report *sign.Report, digest v1.Hash, platform string) (*policy.Scan, error) {
	var newest *scan.Reported
	for _, s := range report.Statements {
		if s.PredicateType != sign.PredicateScan {
			continue
		}
		if r, err := scan.ReadReport(s.Predicate); err == nil && (newest == nil || r.At.After(newest.At)) {
			newest = r
		}
	}
	if newest == nil {
		return nil, nil
	}
	name := p.repo.Name()
	statements, err := attachedVEX(report.Statements, &vex.Image{Name: path.Base(name), Repository: name, Digest: digest.String(), Platform: platform})
	if err != nil {
		return nil, err
	}
	found := &scan.Result{Findings: newest.Findings}
	found.Apply(statements, p.now.UTC().Format(time.DateOnly))
	facts := &policy.Scan{At: newest.At, Advisories: newest.Advisories}
	if !newest.Exploited {
		facts.Missing = []string{"known exploited vulnerabilities"}
	}
	for _, f := range found.Findings {
		if f.Suppressed != nil {
			facts.Suppressed++
			continue
		}
		v := policy.Vulnerability{ID: f.ID, Component: f.Component.String(), Severity: string(f.Severity.Level), Exploited: f.Exploited}
		if t, err := time.Parse(time.RFC3339, f.Published); err == nil {
			v.Published = t
		}
		facts.Vulnerabilities = append(facts.Vulnerabilities, v)
	}
	return facts, nil
}

// imageFacts looks into the image itself. Its layers are read only where a rule
// is about what is in them.
func (p *policyRun) imageFacts(ctx context.Context, asked *recipes.Policy, digest v1.Hash) (*policy.Image, error) {
	img, err := p.image(ctx, digest)
	if err != nil {
		return nil, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("inspecting %s: %w", digest, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("inspecting %s: %w", digest, err)
	}
	facts := &policy.Image{Created: config.Created.Time, Size: compressed(manifest)}
	if len(asked.Refuse) == 0 {
		return facts, nil
	}
	found, err := image.Inspect(img)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", digest, err)
	}
	for _, x := range found {
		facts.Findings = append(facts.Findings, policy.Finding(x))
	}
	return facts, nil
}
