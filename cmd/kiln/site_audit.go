package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// archiveFor is how long what the archive has counts as what it has now.
const archiveFor = time.Hour

// siteAudit holds the images of pages to the policy, as `kiln audit` does with
// all of a registry.
type siteAudit struct {
	*auditor
	// asked is when the archive was first asked, and again makes what asks it.
	asked time.Time
	again func() *freshness
}

func newSiteAudit(c *cli.Context, facts *siteFacts) (*siteAudit, error) {
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	a, err := newAuditor(c)
	if err != nil {
		return nil, err
	}
	a.registry = facts.registry
	if who := facts.signers; a.held == nil && len(who.identities) > 0 { // what kiln verify asks for
		a.held = &policyRun{policy: &recipes.Policy{Identities: make([]recipes.PolicyIdentity, 1)}, identities: who.identities}
		a.believed = who.believed
	}
	return &siteAudit{auditor: a, again: func() *freshness { return newFreshness(env) }}, nil
}

// at is the auditor of this moment: what it was told of a registry's blobs, and
// after a while of the archive, it asks anew.
func (s *siteAudit) at(now time.Time, catalog *recipes.Catalog) *auditor {
	if s.archive != nil && now.Sub(s.asked) > archiveFor {
		s.archive, s.asked = s.again(), now
	}
	held := s.held
	if held != nil {
		today := *held
		today.now = now
		held = &today
	}
	return &auditor{
		registry: s.registry, held: held, believed: s.believed, archive: s.archive, unasked: s.unasked, db: s.db, memo: s.memo,
		catalog: catalog, jobs: siteJobs, now: now,
	}
}

// audit adds what an audit finds of the current releases. What keeps it from
// looking at one is told on its page.
func (s *siteFacts) audit(ctx context.Context, list []*pageFacts) error {
	if s.auditor == nil {
		return nil
	}
	a := s.auditor.at(s.now, s.catalog)
	found := make([][]*audited, len(list))
	err := inParallel(ctx, len(list), siteJobs, func(ctx context.Context, i int) (err error) {
		p := list[i]
		if p.Current == nil {
			return nil
		}
		p.Current.Audit = &site.Audit{}
		if found[i], err = a.auditPage(ctx, p); err != nil {
			p.Current.Audit.Unknown = []string{"the registry could not be asked: " + err.Error()}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if err := a.scan(slices.Concat(found...)); err != nil {
		return err
	}
	for i, p := range list {
		for _, x := range found[i] {
			if err := a.judge(x); err != nil {
				return err
			}
			noteAudit(p.Current.Audit, x)
		}
	}
	return nil
}

// auditPage looks at the current release and at each image that it lists.
func (a *auditor) auditPage(ctx context.Context, p *pageFacts) ([]*audited, error) {
	r := p.current
	top := &candidate{repo: p.repo, ref: p.repo.Digest(r.Digest), tags: r.Tags, all: p.tags}
	places := []*candidate{top}
	for _, img := range r.Images {
		if r.Index {
			places = append(places, &candidate{repo: p.repo, ref: p.repo.Digest(img.Digest.String()), all: p.tags, listedBy: []string{r.Digest}, platform: img.Platform})
		}
	}
	var list []*audited
	for _, place := range places {
		found, ok, err := a.registry.Lookup(ctx, place.ref)
		if err != nil {
			return nil, err
		}
		if !ok {
			place.err = fmt.Errorf("looking up %s: the registry has no such manifest", place.ref)
		}
		place.found = found
		x, err := a.auditImage(ctx, place)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// noteAudit adds what was found of one image. What is the same of several is
// said once.
func noteAudit(audit *site.Audit, x *audited) {
	for _, r := range x.Rules {
		evidence := r.Evidence
		if len(x.ListedBy) > 0 {
			evidence = x.Platform + ": " + evidence
		}
		same := func(have site.Rule) bool {
			return have.Name == r.Rule && (have.Evidence == r.Evidence || have.Evidence == evidence)
		}
		if slices.ContainsFunc(audit.Rules, same) {
			continue
		}
		audit.Rules = append(audit.Rules, site.Rule{Name: r.Rule, Evidence: evidence, Hint: r.Hint, OK: r.OK})
	}
	for _, n := range x.Packages.Newer {
		newer := site.Newer(n)
		if !slices.Contains(audit.Newer, newer) {
			audit.Newer = append(audit.Newer, newer)
		}
	}
	for _, text := range x.Unknown {
		if !slices.Contains(audit.Unknown, text) {
			audit.Unknown = append(audit.Unknown, text)
		}
	}
}
