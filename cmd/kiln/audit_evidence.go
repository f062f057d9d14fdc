package main

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/policy"
)

// gathered is what is remembered of what is attached to an image.
type gathered struct {
	Evidence  *evidence
	Origin    *policy.Origin
	Inventory *scan.Inventory
}

// readEvidence verifies what is attached, or remembers what came of it when the
// same was attached.
func (a *auditor) readEvidence(ctx context.Context, i *audited) error {
	p := i.place
	ref := p.repo.Digest(i.Digest)
	attached, err := a.registry.Attachments(ctx, ref, p.all)
	if err != nil {
		return err
	}
	if a.held == nil {
		if len(attached) == 0 {
			i.Signature = auditedSignature{State: signatureNone, Reason: sign.ErrNone.Error()}
		}
		return nil
	}
	part := a.held.part(i.Index, len(p.listedBy) > 0)
	key, err := memo.Key("audit evidence 1", version(), i.Digest, attached, part.Statements, part.Rebuilds != nil, a.believed)
	if err != nil {
		return err
	}
	found, err := memo.Do(a.memo, key, nil, func() (gathered, error) { return a.gather(ctx, ref, &part) })
	if err != nil {
		return err
	}
	i.take(found)
	return nil
}

func (a *auditor) gather(ctx context.Context, ref name.Digest, part *recipes.Policy) (g gathered, err error) {
	attached, err := a.registry.Statements(ctx, ref)
	if err != nil {
		return g, err
	}
	digest, err := v1.NewHash(ref.DigestStr())
	if err != nil {
		return g, err
	}
	e, report, err := a.held.evidence(ctx, part, digest, attached)
	if err != nil {
		return g, err
	}
	g.Evidence = e
	if e.Made != nil {
		g.Origin = &e.Made.Origin
	}
	if report == nil {
		return g, nil
	}
	if s, ok := report.Statement(sign.PredicateSPDX); ok {
		if in, err := scan.ReadDocument(s.Predicate); err == nil {
			g.Inventory = &in
		}
	}
	return g, nil
}

// take fills in what is attached.
func (i *audited) take(g gathered) {
	e := g.Evidence
	if e.Made != nil && g.Origin != nil {
		e.Made.Origin = *g.Origin
	}
	i.evidence, i.Origin, i.inventory = e, e.Made, g.Inventory
	i.Signature = auditedSignature{State: e.Signature, By: e.Signer, Reason: e.Reason}
	if e.Signer != "" {
		i.Signature.Reason = ""
	}
	i.Statements = append(i.Statements, e.Checks...)
	i.Tests = e.Tests
	if i.Origin == nil {
		return
	}
	i.Builder, i.Base = i.Origin.Builder, i.Origin.Base
	if !i.Origin.Dated.IsZero() {
		i.Dated = &i.Origin.Dated
	}
}
