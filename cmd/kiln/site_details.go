package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sign"
)

// seenRelease is what of the things that are attached to a release verifies.
type seenRelease struct {
	*pageRelease
	top *seenManifest
	// images are those of the release, in its order; of one that is no index
	// it is top.
	images []*seenManifest
}

// seenManifest is the same of one manifest.
type seenManifest struct {
	digest   v1.Hash
	attached recipes.Attached
	// report is nil where nobody is named who could have signed.
	report *sign.Report
	// problems are why something that is required does not verify.
	problems []string
}

func (m *seenManifest) statement(predicateType string) ([]byte, bool) {
	if m.report == nil {
		return nil, false
	}
	s, ok := m.report.Statement(predicateType)
	return s.Predicate, ok
}

// see verifies what is attached to the release and to each of its images.
func (s *siteFacts) see(ctx context.Context, repo name.Repository, r *pageRelease) (*seenRelease, error) {
	seen := &seenRelease{pageRelease: r}
	var err error
	if seen.top, err = s.seeManifest(ctx, repo, r.digest); err != nil {
		return nil, err
	}
	for _, img := range r.images {
		at := seen.top
		if r.index {
			if at, err = s.seeManifest(ctx, repo, img.digest); err != nil {
				return nil, err
			}
		}
		seen.images = append(seen.images, at)
	}
	return seen, nil
}

// seeManifest verifies under the first identity that signed all that is
// required, or else under the first that signed the manifest, or else under the
// first.
func (s *siteFacts) seeManifest(ctx context.Context, repo name.Repository, digest v1.Hash) (*seenManifest, error) {
	m := &seenManifest{digest: digest}
	if len(s.signers.identities) == 0 {
		return m, nil
	}
	var err error
	if m.attached, err = s.registry.Statements(ctx, repo.Digest(digest.String())); err != nil {
		return nil, err
	}
	for _, id := range s.signers.identities {
		report, err := sign.Verify(ctx, digest, m.attached, id, required)
		var unverified *sign.Error
		if err != nil && !errors.As(err, &unverified) {
			return nil, err
		}
		_, signed := report.Statement(sign.PredicateSignature)
		if m.report == nil || err == nil || signed && len(m.report.Statements) == 0 {
			m.report, m.problems = report, problemsOf(digest, err)
		}
		if err == nil {
			break
		}
	}
	return m, nil
}

// problemsOf are the lines of an error of verification, for a page that is about
// the digest anyway.
func problemsOf(digest v1.Hash, err error) []string {
	if err == nil {
		return nil
	}
	var list []string
	for _, line := range strings.Split(err.Error(), "\n") {
		line = strings.TrimPrefix(line, "verifying ")
		list = append(list, strings.ReplaceAll(line, " of "+digest.String(), ""))
	}
	return list
}

// details tells about the current release.
func (s *siteFacts) details(ctx context.Context, p *pageFacts, repo name.Repository) error {
	now, err := s.see(ctx, repo, p.current)
	if err != nil {
		return err
	}
	d := &site.Details{Release: p.current.Release, Pull: pullCommands(repo.Name(), p.current), Verify: s.signers.commands(repo.Name() + "@" + p.current.Digest)}
	d.Current = true
	d.Verified = s.verified(now)
	d.Packages = packagesOf(now)
	if d.Provenance, err = s.provenance(ctx, now); err != nil {
		return err
	}
	d.Tests = testsOf(now)
	if d.Diff, err = s.diff(ctx, p, repo, now); err != nil {
		return err
	}
	p.Current = d
	p.scans = s.scans(repo, now)
	return nil
}

// verified is who signed. An image counts as signed only where the index that
// lists it is, and all that it lists.
func (s *siteFacts) verified(r *seenRelease) site.Verified {
	v := site.Verified{Problems: slices.Clone(r.top.problems)}
	if r.top.report == nil {
		v.Problems = []string{"nobody is named whose signatures count"}
		return v
	}
	signed := signedBy(r.top)
	for i, img := range r.images {
		if img == r.top {
			continue
		}
		for _, problem := range img.problems {
			v.Problems = append(v.Problems, r.pageRelease.images[i].platform+": "+problem)
		}
		if signedBy(img) == "" {
			signed = ""
		}
	}
	v.By, v.Key = signed, s.signers.key(signed)
	for _, statement := range r.top.report.Statements {
		if kind := statement.Kind(); !slices.Contains(v.Statements, kind) {
			v.Statements = append(v.Statements, kind)
		}
	}
	slices.Sort(v.Statements)
	return v
}

// signedBy names who signed a manifest; empty is nobody.
func signedBy(m *seenManifest) string {
	if m.report == nil {
		return ""
	}
	if _, ok := m.report.Statement(sign.PredicateSignature); !ok {
		return ""
	}
	for _, check := range m.report.Checks {
		if check.Err == nil && check.Certificate != nil {
			return check.Certificate.Subject + " (" + check.Certificate.Issuer + ")"
		}
	}
	return m.report.Identity.String()
}
