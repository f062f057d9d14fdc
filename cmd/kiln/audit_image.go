package main

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
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
	err = inParallel(ctx, len(places), a.jobs, func(ctx context.Context, i int) (err error) {
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

// unread is why nothing is known of an image.
const unread = "there is no manifest to read"

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
		i.Signature.Reason, i.Packages.Unknown = unread, unread
		i.unknowns()
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
