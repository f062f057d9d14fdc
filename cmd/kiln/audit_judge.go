package main

import (
	"cmp"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign/policy"
)

// of is the policy as it is held against the image.
func (a *auditor) of(i *audited) *policyRun {
	p := *a.held
	p.published = &published{registry: a.registry, repo: i.place.repo, found: i.place.found}
	return &p
}

// judge holds the image to the policy, and to being readable.
func (a *auditor) judge(i *audited) error {
	if i.Broken != "" {
		i.Rules = append(i.Rules, policy.Result{Rule: ruleReadable, Evidence: i.Broken})
	}
	a.outlived(i)
	if a.held == nil || i.place.err != nil {
		return nil
	}
	facts, err := a.facts(i)
	if err != nil {
		return err
	}
	part := a.held.part(i.Index, len(i.ListedBy) > 0)
	if a.catalog != nil && !i.Index && !slices.Contains(part.Refuse, recipes.RuleEndOfLife) && i.Origin != nil {
		part.Refuse = append(slices.Clone(part.Refuse), recipes.RuleEndOfLife)
	}
	i.Rules = append(i.Rules, policy.Evaluate(&part, facts, a.now)...)
	return nil
}

// facts are what a policy asks about.
func (a *auditor) facts(i *audited) (policy.Facts, error) {
	f := i.evidence.facts()
	if i.Looked {
		f.Image = &policy.Image{Size: i.Size}
		if i.Created != nil {
			f.Image.Created = *i.Created
		}
		for _, x := range i.Findings {
			f.Image.Findings = append(f.Image.Findings, policy.Finding(x))
		}
	}
	f.Packages = &policy.Packages{Count: i.Packages.Count, Newer: i.Packages.Newer, Unknown: i.Packages.Unknown}
	if a.db != nil {
		f.Scan = i.Vulnerabilities.facts(a.now)
		return f, nil
	}
	digest, err := v1.NewHash(i.Digest)
	if err != nil {
		return f, err
	}
	f.Scan, err = a.of(i).scanFacts(i.evidence, digest, i.Platform)
	return f, err
}

// facts are those of a scan that was done now. It is nil where nothing could be
// looked for.
func (v *auditedVulnerabilities) facts(now time.Time) *policy.Scan {
	if v.result == nil {
		return nil
	}
	s := scannedFacts(v.result.Findings)
	s.At, s.Missing = now, slices.Clone(v.Missing)
	newest := ""
	for _, d := range v.result.Databases {
		newest = max(newest, d.Modified)
	}
	if v.result.Exploited == nil {
		s.Missing = append(s.Missing, "known exploited vulnerabilities")
	} else {
		newest = cmp.Or(newest, v.result.Exploited.Modified)
	}
	if v.From == fromDpkg {
		s.Missing = append(s.Missing, "what is not of its Debian packages")
	}
	if t, err := time.Parse(time.RFC3339, newest); err == nil {
		s.Advisories = t
	}
	return s
}
