package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/policy"
)

// auditor finds out about the images of a registry. Its zero values ask nobody:
// no policy, no archive, no advisories.
type auditor struct {
	registry *push.Registry
	// held is what images are held to; nil where nobody is named who must have
	// signed. Believed tells those who are named from others.
	held     *policyRun
	believed string
	// archive is asked for newer packages; where it is nil, unasked says why.
	archive *freshness
	unasked string
	db      *osv.Database
	// memo has what was found before of the same digests, under the same
	// inputs.
	memo memo.Dir
	// catalog is where recipes are; nil where there is none.
	catalog  *recipes.Catalog
	jobs     int
	now      time.Time
	progress *counter
	blobs    seenBlobs
}

// auditImages finds out about all images of the repositories.
func (a *auditor) auditImages(ctx context.Context, repos []name.Repository) (*audit, error) {
	w := &walk{registry: a.registry, jobs: a.jobs, progress: a.progress}
	places, err := w.survey(ctx, repos)
	if err != nil {
		return nil, err
	}
	a.progress.more(len(places))
	found := make([]*audited, len(places))
	numbers := make([]int, len(places))
	for i := range numbers {
		numbers[i] = i
	}
	err = each(ctx, a.jobs, numbers, func(ctx context.Context, i int) (err error) {
		found[i], err = a.auditImage(ctx, places[i])
		a.progress.step()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.scan(found); err != nil {
		return nil, err
	}
	for _, i := range found {
		if err := a.judge(i); err != nil {
			return nil, err
		}
	}
	out := &audit{At: a.now.UTC(), Images: found, Unlisted: w.unlisted, Others: w.others, Archive: a.unasked}
	out.sum(len(repos))
	out.Rebuild = a.rebuild(found)
	return out, nil
}

// auditImage finds out about one image or index, but for its vulnerabilities. An
// image that is broken is no error.
func (a *auditor) auditImage(ctx context.Context, p *candidate) (*audited, error) {
	i := &audited{
		Reference: p.ref.Name(), Repository: p.repo.Name(), Tags: append([]string{}, p.tags...), ListedBy: p.listedBy, Platform: p.platform,
		Index: len(p.found.Manifests) > 0, Age: -1, Statements: []checkedThing{}, Findings: []auditedFinding{}, Rules: []policy.Result{},
		Signature: auditedSignature{State: signatureUnasked}, evidence: &evidence{}, place: p,
	}
	i.Packages.Newer, i.Vulnerabilities.Findings = []policy.Newer{}, []scan.Finding{}
	if p.err != nil {
		i.Broken = p.err.Error()
		i.Signature.State = signatureNone
		i.Signature.Reason = "there is no manifest to read"
		return i, nil
	}
	i.Digest = p.found.Descriptor.Digest.String()
	i.Size = compressed(&v1.Manifest{Config: p.found.Config, Layers: p.found.Layers})
	for _, look := range []func(context.Context, *audited) error{a.readEvidence, a.readContents, a.readPackages} {
		err := look(ctx, i)
		switch {
		case err == nil:
		case ctx.Err() != nil, !push.Answered(err):
			return nil, err
		case i.Broken == "":
			i.Broken = err.Error()
		}
	}
	i.date(a.now)
	i.unknowns()
	return i, nil
}

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

// looked is what is remembered of an image's content.
type looked struct {
	Created  time.Time
	User     string
	Platform string
	Base     string // as an annotation or label claims
	Contents image.Contents
}

// readContents looks into an image, or remembers what was seen there; then it
// asks only whether the registry still has all blobs.
func (a *auditor) readContents(ctx context.Context, i *audited) error {
	if i.Index {
		return nil
	}
	key, err := memo.Key("audit contents 1", version(), i.Digest)
	if err != nil {
		return err
	}
	seen := false
	l, err := memo.Do(a.memo, key, nil, func() (looked, error) {
		seen = true
		return a.look(ctx, i)
	})
	if err == nil && !seen {
		err = a.blobs.check(ctx, a.registry, i.place)
	}
	if err != nil {
		return err
	}
	i.see(&l)
	return nil
}

func (a *auditor) look(ctx context.Context, i *audited) (l looked, err error) {
	img, err := a.registry.Image(ctx, i.place.repo.Digest(i.Digest), v1.Platform{})
	if err != nil {
		return l, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return l, fmt.Errorf("reading configuration: %w", err)
	}
	if config.OS == "" && len(config.RootFS.DiffIDs) == 0 {
		return l, errors.New("reading configuration: it is none of an image")
	}
	l = looked{Created: config.Created.Time, User: config.Config.User}
	if p := config.Platform(); p != nil {
		l.Platform = p.String()
	}
	const base = "org.opencontainers.image.base.name"
	l.Base = config.Config.Labels[base]
	if named := i.place.found.Annotations[base]; named != "" {
		l.Base = named
	}
	contents, err := image.Examine(img)
	if err != nil {
		return l, err
	}
	l.Contents = *contents
	return l, nil
}

// see fills in what is in the image.
func (i *audited) see(l *looked) {
	i.Looked, i.contents, i.User = true, &l.Contents, l.User
	if i.Platform == "" {
		i.Platform = l.Platform
	}
	if l.Created.Unix() > 0 {
		i.Created = &l.Created
	}
	if i.Base == "" && l.Base != "" {
		i.Base, i.BaseClaimed = l.Base, true
	}
	for _, f := range l.Contents.Findings {
		i.Findings = append(i.Findings, auditedFinding(f))
	}
}

// readPackages compares the image's packages with the archive: those of the
// signed document, or else those of the database in the image.
func (a *auditor) readPackages(ctx context.Context, i *audited) error {
	if i.Index {
		return nil
	}
	var list []recipes.Package
	switch {
	case i.inventory != nil:
		list, i.Packages.From = i.inventory.Debian(), fromSPDX
	case i.contents != nil && i.contents.Unread != "":
		i.Packages.Unknown = "reading dpkg's database in it: " + i.contents.Unread
		return nil
	case i.contents != nil && len(i.contents.Packages) > 0:
		list, i.Packages.From = i.contents.Packages, fromDpkg
	default:
		i.Packages.Unknown = "no signed SBOM and no dpkg database says what packages it has"
		return nil
	}
	i.Packages.Count = len(list)
	suite, why := i.suiteOf()
	switch {
	case len(list) == 0:
		return nil
	case why != "":
		i.Packages.Unknown = why
		return nil
	case a.archive == nil:
		i.Packages.Unknown = a.unasked
		return nil
	}
	facts, err := a.archive.compare(ctx, suite, list)
	if err != nil {
		return err
	}
	i.Packages.Newer, i.Packages.Unknown = append(i.Packages.Newer, facts.Newer...), facts.Unknown
	return nil
}

// date works out how old it is, and fills in when its support ends.
func (i *audited) date(now time.Time) {
	since := i.Dated
	if since == nil {
		since = i.Created
	}
	if since != nil {
		i.Age = int(now.Sub(*since) / (24 * time.Hour))
	}
}

// unknowns says what cannot be known.
func (i *audited) unknowns() {
	say := func(format string, args ...any) { i.Unknown = append(i.Unknown, fmt.Sprintf(format, args...)) }
	if i.Origin == nil {
		switch i.Signature.State {
		case signatureVerified:
			say("its origin: what is signed has no provenance of kiln's")
		case signatureUnasked:
			say("its origin and who signed it: nobody is named who must have")
		default:
			say("its origin: nobody who counts has signed where it is from")
		}
	}
	if i.Base == "" && !i.Index {
		say("its base")
	}
	if i.Age < 0 && !i.Index {
		say("its age: its configuration has no date")
	}
	if i.Packages.Unknown != "" {
		say("newer packages: %s", i.Packages.Unknown)
	}
}
