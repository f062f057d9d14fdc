package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/memo"
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
	Digest v1.Hash
	// Statements are those that verified, and Signer whose identity it was
	// under; empty where nobody is named.
	Statements []sign.Statement
	Signer     string
	// SignedBy is who signed the manifest itself; empty is nobody.
	SignedBy string
	// Problems are why something that is required does not verify.
	Problems []string
	// Rebuilt are who built the same again.
	Rebuilt []string
}

func (m *seenManifest) statement(predicateType string) ([]byte, bool) {
	for _, s := range m.Statements {
		if s.PredicateType == predicateType {
			return s.Predicate, true
		}
	}
	return nil, false
}

// see verifies what is attached to the release of a page and to each of its
// images.
func (s *siteFacts) see(ctx context.Context, p *pageFacts, r *pageRelease) (*seenRelease, error) {
	seen := &seenRelease{pageRelease: r}
	var err error
	if seen.top, err = s.seeManifest(ctx, p, r.Hash); err != nil {
		return nil, err
	}
	for _, img := range r.Images {
		at := seen.top
		if r.Index {
			if at, err = s.seeManifest(ctx, p, img.Digest); err != nil {
				return nil, err
			}
		}
		seen.images = append(seen.images, at)
	}
	return seen, nil
}

// seeManifest verifies what is attached, or remembers what came of it when the
// same was attached and the same were believed.
func (s *siteFacts) seeManifest(ctx context.Context, p *pageFacts, digest v1.Hash) (*seenManifest, error) {
	if len(s.signers.identities) == 0 {
		return &seenManifest{Digest: digest}, nil
	}
	ref := p.repo.Digest(digest.String())
	attached, err := s.registry.Attachments(ctx, ref, p.tags)
	if err != nil {
		return nil, err
	}
	key, err := memo.Key("site statements 1", version(), ref.Name(), attached, s.signers.believed)
	if err != nil {
		return nil, err
	}
	return memo.Do(s.memo, key, nil, func() (*seenManifest, error) { return s.verify(ctx, ref, digest) })
}

// verify verifies under the first identity that signed all that is required, or
// else under the first that signed the manifest, or else under the first.
func (s *siteFacts) verify(ctx context.Context, ref name.Digest, digest v1.Hash) (*seenManifest, error) {
	attached, err := s.registry.Statements(ctx, ref)
	if err != nil {
		return nil, err
	}
	var seen *seenManifest
	for _, id := range s.signers.identities {
		report, err := sign.Verify(ctx, digest, attached, id, required)
		var unverified *sign.Error
		if err != nil && !errors.As(err, &unverified) {
			return nil, err
		}
		m := &seenManifest{Digest: digest, Statements: report.Statements, Signer: id.String(), SignedBy: signedBy(report), Problems: problemsOf(digest, err)}
		if seen == nil || err == nil || m.SignedBy != "" && seen.SignedBy == "" {
			seen = m
		}
		if err == nil {
			break
		}
	}
	key := ""
	if provenance, ok := seen.statement(sign.PredicateProvenance); ok {
		key = sign.BuildKey(provenance)
	}
	seen.Rebuilt, err = sign.Rebuilders(ctx, digest, attached, key, seen.Signer, s.signers.rebuilders)
	return seen, err
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
func (s *siteFacts) details(ctx context.Context, p *pageFacts) error {
	now, err := s.see(ctx, p, p.current)
	if err != nil {
		return err
	}
	place := p.repo.Name()
	d := &site.Details{
		Release: p.current.Release, Pull: pullCommands(place, p.current), Verify: s.signers.commands(place + "@" + p.current.Digest),
		Verified: s.verified(now), Packages: packagesOf(now), Provenance: provenanceOf(now), Tests: testsOf(now),
	}
	d.Current = true
	if text, ok := now.top.statement(sign.PredicateProvenance); ok {
		// Who can push, but not sign, can push another signed image here.
		if m := madeBy(text); m != nil && m.Name != p.Name {
			d.Verified.Problems = append(d.Verified.Problems, "provenance: it is of the recipe "+m.Name+", not of "+p.Name)
		}
	}
	if d.Diff, err = s.diff(ctx, p, now); err != nil {
		return err
	}
	p.Current = d
	p.scans = scansOf(p.repo, now)
	return nil
}

// verified is who signed. An image counts as signed only where the index that
// lists it is, and all that it lists.
func (s *siteFacts) verified(r *seenRelease) site.Verified {
	v := site.Verified{By: r.top.SignedBy, Problems: slices.Clone(r.top.Problems)}
	if r.top.Signer == "" {
		return site.Verified{Problems: []string{"nobody is named whose signatures count"}}
	}
	for i, img := range r.images {
		if img == r.top {
			continue
		}
		for _, problem := range img.Problems {
			v.Problems = append(v.Problems, r.Images[i].Platform+": "+problem)
		}
		if img.SignedBy == "" {
			v.By = ""
		}
	}
	v.Key = s.signers.key(v.By)
	for _, statement := range r.top.Statements {
		if kind := statement.Kind(); !slices.Contains(v.Statements, kind) {
			v.Statements = append(v.Statements, kind)
		}
	}
	slices.Sort(v.Statements)
	return v
}

// signedBy names who signed a manifest; empty is nobody.
func signedBy(report *sign.Report) string {
	if _, ok := report.Statement(sign.PredicateSignature); !ok {
		return ""
	}
	for _, check := range report.Checks {
		if check.Err == nil && check.Certificate != nil {
			return check.Certificate.Subject + " (" + check.Certificate.Issuer + ")"
		}
	}
	return report.Identity.String()
}
