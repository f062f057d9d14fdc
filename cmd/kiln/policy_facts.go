package main

import (
	"context"
	"fmt"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
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
	e, report, err := p.evidence(ctx, asked, digest, attached)
	if err != nil {
		return f, err
	}
	p.inputs = append(p.inputs, e.Inputs...)
	f = e.facts()
	if report == nil {
		return f, nil
	}
	if _, ok := report.Statement(sign.PredicateProvenance); ok {
		p.built = p.built || digest == p.found.Descriptor.Digest
	}
	if asked.Vulnerabilities != nil {
		if f.Scan, err = p.scanFacts(e, digest, platform); err != nil {
			return f, err
		}
	}
	if asked.AsksArchive() {
		if f.Packages, err = p.packageFacts(ctx, e, report, digest); err != nil {
			return f, err
		}
	}
	if asked.MaxSize != "" || asked.MaxAge != "" || len(asked.Refuse) > 0 {
		f.Image, err = p.imageFacts(ctx, asked, digest)
	}
	return f, err
}

// scanFacts reads the report of a scan, and applies the VEX documents. It is nil
// where there is none.
func (p *policyRun) scanFacts(e *evidence, digest v1.Hash, platform string) (*policy.Scan, error) {
	if e.Report == nil {
		return nil, nil
	}
	newest, err := scan.ReadReport(e.Report)
	if err != nil {
		return nil, err
	}
	statements, err := p.vexStatements(e, digest, platform)
	if err != nil {
		return nil, err
	}
	found := &scan.Result{Findings: newest.Findings}
	found.Apply(statements, p.now.UTC().Format(time.DateOnly))
	facts := scannedFacts(found.Findings)
	facts.At, facts.Advisories = newest.At, newest.Advisories
	if !newest.Exploited {
		facts.Missing = []string{"known exploited vulnerabilities"}
	}
	return facts, nil
}

// vexStatements are those of the VEX documents that verified that are about the
// image: what these suppress is no matter as long as they hold.
func (p *policyRun) vexStatements(e *evidence, digest v1.Hash, platform string) ([]scan.Statement, error) {
	name := p.repo.Name()
	return attachedVEX(e.VEX, &vex.Image{Name: path.Base(name), Repository: name, Digest: digest.String(), Platform: platform})
}

// scannedFacts are the findings as a policy asks about them.
func scannedFacts(found []scan.Finding) *policy.Scan {
	facts := &policy.Scan{}
	for _, f := range found {
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
	return facts
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

// packageFacts compares the packages that the signed SPDX document names with
// the archive.
func (p *policyRun) packageFacts(ctx context.Context, e *evidence, report *sign.Report, digest v1.Hash) (*policy.Packages, error) {
	s, ok := report.Statement(sign.PredicateSPDX)
	if !ok || e.Made == nil || p.archive == nil {
		return nil, nil
	}
	in, err := scan.ReadDocument(s.Predicate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", digest, err)
	}
	return p.archive.compare(ctx, e.Made.Suite, in.Debian())
}
