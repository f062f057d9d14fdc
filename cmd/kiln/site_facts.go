package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sbom/osv"
)

// siteFacts gathers what the pages of a catalog tell: from its recipes, and from
// the registry, where nothing counts as known but what verifies.
type siteFacts struct {
	catalog  *recipes.Catalog
	registry *push.Registry
	signers  siteSigners
	// db is what to match with in place of the reports that are attached; nil
	// is nothing.
	db *osv.Database
	// auditor is nil where nobody asked for an audit.
	auditor *siteAudit
	// now is when vulnerabilities, ends of life and ages are looked at.
	now time.Time
	// memo has what was read before, by digests.
	memo memo.Dir
}

// siteJobs is how many images are gathered at once.
const siteJobs = 8

// gather asks about all images. What is wrong with one is told on its page; the
// error is about what keeps it from asking at all.
func (s *siteFacts) gather(ctx context.Context) (*site.Catalog, error) {
	list := make([]*pageFacts, len(s.catalog.Entries))
	err := inParallel(ctx, len(list), siteJobs, func(ctx context.Context, i int) (err error) {
		list[i], err = s.entry(ctx, s.catalog.Entries[i])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("gathering the catalog's facts: %w", err)
	}
	if err := s.scanned(list); err != nil {
		return nil, err
	}
	if err := s.audit(ctx, list); err != nil {
		return nil, err
	}
	c := &site.Catalog{Title: commonPlace(s.catalog.Config.Catalog.Repository), Signer: s.signers.String()}
	for _, p := range list {
		s.judge(p)
		c.Images = append(c.Images, p.Image)
	}
	return c, nil
}

// pageFacts are those of one page, with what they were taken from.
type pageFacts struct {
	site.Image
	entry *recipes.Entry
	// repo is where it is published, with the tags.
	repo name.Repository
	tags []string
	// current and previous are the releases that the page tells about.
	current, previous *pageRelease
	// unasked is why the registry told nothing.
	unasked error
	scans   []*pageScan
}

func (s *siteFacts) entry(ctx context.Context, e *recipes.Entry) (*pageFacts, error) {
	p := &pageFacts{Image: describedEntry(s.catalog, e), entry: e}
	if e.Err != nil {
		p.Runtime.Why = "The recipe does not load."
		return p, nil
	}
	p.Runtime = promised(e.Recipe)
	repo, err := name.NewRepository(p.Repository)
	if err == nil {
		err = s.published(ctx, p, repo)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	p.unasked = err
	return p, nil
}

// published adds what the registry has.
func (s *siteFacts) published(ctx context.Context, p *pageFacts, repo name.Repository) error {
	tags, err := s.tagsOf(ctx, repo)
	if err != nil {
		return err
	}
	list, err := s.releases(ctx, repo, tags)
	if err != nil {
		return err
	}
	p.repo, p.tags = repo, tags
	p.current = chooseRelease(list, p.entry.Recipe)
	if p.current == nil {
		return nil
	}
	p.previous = before(list, p.current)
	for _, r := range list {
		shown := r.Release
		shown.Current = r == p.current
		p.Releases = append(p.Releases, shown)
	}
	p.Runtime = contractOf(p.current.Images[0].Config)
	return s.details(ctx, p)
}

// describedEntry is what the recipe says.
func describedEntry(c *recipes.Catalog, e *recipes.Entry) site.Image {
	img := site.Image{Name: e.Name, Recipe: e.Dir + "/" + recipes.RecipeFile}
	r := e.Recipe
	if r == nil {
		return img
	}
	img.Summary, img.Description, img.License = r.Summary, r.Description, r.License
	img.Homepage, img.Upstream, img.EOL = r.Homepage, r.Upstream, r.EOL
	img.Categories, img.Owners, img.Wanted = r.Categories, c.OwnersOf(r), r.Version
	img.Repository = c.Config.Catalog.RepositoryOf(e.Name)
	return img
}

// commonPlace is a repository's template up to the name.
func commonPlace(template string) string {
	place, _, _ := strings.Cut(template, "${")
	return strings.TrimRight(cmp.Or(place, template), "/-_.")
}
