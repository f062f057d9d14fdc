package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
)

// pageScan is what is to be known of the vulnerabilities of one image.
type pageScan struct {
	inventory  scan.Inventory
	statements []scan.Statement
	// matched is what the database has; nil where there is none.
	matched *scan.Result
	// report is the newest that verifies; nil is none. why is why the image can
	// be neither matched nor believed.
	report *scan.Reported
	why    string
}

// scansOf prepares those of the images of a release.
func scansOf(repo name.Repository, r *seenRelease) []*pageScan {
	var list []*pageScan
	for i, img := range r.images {
		list = append(list, newPageScan(img, &vex.Image{
			Name: lastOf(repo), Repository: repo.Name(), Digest: img.Digest.String(), Platform: r.Images[i].Platform,
		}))
	}
	return list
}

func lastOf(repo name.Repository) string {
	parts := strings.Split(repo.Name(), "/")
	return parts[len(parts)-1]
}

func newPageScan(img *seenManifest, about *vex.Image) *pageScan {
	text, ok := img.statement(sign.PredicateSPDX)
	if !ok {
		return &pageScan{why: "No SPDX document verifies, so nothing is known of what there is to be vulnerable."}
	}
	p := &pageScan{}
	var err error
	if p.inventory, err = scan.ReadDocument(text); err != nil {
		return &pageScan{why: "The signed SPDX document cannot be read."}
	}
	if p.statements, err = attachedVEX(img.Statements, about); err != nil {
		return &pageScan{why: "A signed VEX document cannot be read."}
	}
	for _, s := range img.Statements {
		if s.PredicateType != sign.PredicateScan {
			continue
		}
		if r, err := scan.ReadReport(s.Predicate); err == nil && (p.report == nil || r.At.After(p.report.At)) {
			p.report = r
		}
	}
	return p
}

// scanned adds what is known of vulnerabilities to all pages: what the database
// matches, which is read once, or without one what the signed reports say.
func (s *siteFacts) scanned(list []*pageFacts) error {
	if err := s.match(list); err != nil {
		return err
	}
	for _, p := range list {
		for i, ps := range p.scans {
			p.Current.Scan = joinScans(p.Current.Scan, s.shownScan(ps), i == 0)
		}
	}
	return nil
}

// match matches all images with the database, if there is one.
func (s *siteFacts) match(list []*pageFacts) error {
	if s.db == nil {
		return nil
	}
	var scans []*pageScan
	var inventories []*scan.Inventory
	for _, p := range list {
		for _, ps := range p.scans {
			if ps.why == "" {
				scans, inventories = append(scans, ps), append(inventories, &ps.inventory)
			}
		}
	}
	results, err := findKnown(s.db, s.memo, inventories)
	if err != nil {
		return err
	}
	for i, ps := range scans {
		ps.matched = results[i]
	}
	return nil
}

// shownScan is what is known of one image: what was matched, or else the report.
func (s *siteFacts) shownScan(p *pageScan) site.Scan {
	switch {
	case p.why != "":
		return site.Scan{Why: p.why}
	case p.matched != nil:
		out := s.shownFindings(p, p.matched)
		out.Missing = p.matched.Missing
		for _, source := range p.matched.Databases {
			if t, err := time.Parse(time.RFC3339, source.Modified); err == nil && t.After(out.Advisories) {
				out.Advisories = t
			}
		}
		return out
	case p.report == nil:
		return site.Scan{Why: "It was not scanned: no signed report of a scan is attached."}
	}
	out := s.shownFindings(p, &scan.Result{Findings: p.report.Findings})
	out.At, out.Advisories, out.Missing = p.report.At, p.report.Advisories, unseen(p)
	return out
}

// unseen are the ecosystems of packages in the image that a report of kiln's
// does not say were looked at. Reports of others do not say.
func unseen(p *pageScan) []string {
	if len(p.report.Sources) == 0 {
		return nil
	}
	var list []string
	for _, c := range p.inventory.Components {
		if !slices.Contains(p.report.Sources, c.Ecosystem) && !slices.Contains(list, c.Ecosystem) {
			list = append(list, c.Ecosystem)
		}
	}
	slices.Sort(list)
	return list
}

func (s *siteFacts) shownFindings(p *pageScan, found *scan.Result) site.Scan {
	found.Apply(p.statements, s.now.UTC().Format(time.DateOnly))
	var out site.Scan
	for _, u := range p.inventory.Unmatched {
		out.Unmatched = append(out.Unmatched, u.Name+": "+u.Reason)
	}
	for _, f := range found.Findings {
		shown := site.Finding{
			ID: f.ID, Aliases: f.Aliases, URL: f.URL, Summary: f.Summary, Package: f.Component.Name, Version: f.Component.Version,
			Fixed: f.Fixed, Severity: string(f.Severity.Level), Exploited: f.Exploited,
		}
		for _, x := range f.Statements {
			shown.Statements = append(shown.Statements, shownStatement(x))
		}
		if f.Suppressed != nil {
			x := shownStatement(*f.Suppressed)
			shown.Suppressed = &x
		}
		out.Findings = append(out.Findings, shown)
	}
	return out
}

func shownStatement(x scan.Statement) site.Statement {
	return site.Statement{
		Status: x.Status, Justification: x.Justification, Reason: x.Reason, From: x.From, Date: x.Date, Expires: x.Expires, Expired: x.Expired,
	}
}

// joinScans is what is known of several images together: of each finding one,
// and the oldest times.
func joinScans(a, b site.Scan, first bool) site.Scan {
	switch {
	case first || b.Why != "":
		return b
	case a.Why != "":
		return a
	}
	a.At, a.Advisories = earlierTime(a.At, b.At), earlierTime(a.Advisories, b.Advisories)
	a.Missing, a.Unmatched = union(a.Missing, b.Missing), union(a.Unmatched, b.Unmatched)
	for _, f := range b.Findings {
		same := func(x site.Finding) bool {
			return x.ID == f.ID && x.Package == f.Package && x.Version == f.Version && (x.Suppressed == nil) == (f.Suppressed == nil)
		}
		if !slices.ContainsFunc(a.Findings, same) {
			a.Findings = append(a.Findings, f)
		}
	}
	slices.SortStableFunc(a.Findings, func(x, y site.Finding) int {
		return cmp.Compare(site.SeverityRank(x.Severity), site.SeverityRank(y.Severity))
	})
	return a
}

func earlierTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
