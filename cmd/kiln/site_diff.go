package main

import (
	"context"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// diff says what the previous release had in other form, for the first platform
// that both are for, as `kiln diff` does.
func (s *siteFacts) diff(ctx context.Context, p *pageFacts, now *seenRelease) (site.Diff, error) {
	if p.previous == nil {
		return site.Diff{Why: "The registry has no earlier release to compare with."}, nil
	}
	i, j := commonPlatform(now.pageRelease, p.previous)
	if i < 0 {
		return site.Diff{Why: "The previous release, " + p.previous.Version + ", is for other platforms."}, nil
	}
	doc, ok := now.images[i].document()
	if !ok {
		return site.Diff{Why: "What is in this image is not known, for no SPDX document verifies."}, nil
	}
	was := p.previous.Images[j]
	at, err := s.seeManifest(ctx, p, was.Digest)
	if err != nil {
		return site.Diff{}, err
	}
	old, ok := at.document()
	if !ok {
		return site.Diff{Why: "What was in the previous release, " + p.previous.Version + ", is not known, for no SPDX document of it verifies."}, nil
	}
	is := now.Images[i]
	found := sbom.Compare(old, doc)
	d := site.Diff{From: p.previous.Version, FromDigest: was.Digest.String(), Platform: is.Platform, SizeFrom: was.Size, SizeTo: is.Size}
	d.Parts = slices.DeleteFunc([]site.DiffPart{
		diffPart("Packages", found.Packages), diffPart("Licenses", sbom.Changes{Changed: found.Licenses}),
		diffPart("Configuration", sbom.Changes{Changed: changed(fields(was.Config), fields(is.Config))}),
		diffPart("Files", found.Files), diffPart("Build", found.Build),
	}, func(p site.DiffPart) bool { return len(p.Changes) == 0 })
	return d, nil
}

// commonPlatform is where each has the first platform that both have, or -1.
func commonPlatform(a, b *pageRelease) (int, int) {
	for i, x := range a.Images {
		for j, y := range b.Images {
			if x.Platform == y.Platform {
				return i, j
			}
		}
	}
	return -1, -1
}

// document is the SPDX document that verifies.
func (m *seenManifest) document() (*sbom.Document, bool) {
	text, ok := m.statement(sign.PredicateSPDX)
	if !ok {
		return nil, false
	}
	doc, err := sbom.Read(text)
	return doc, err == nil
}

// pageChanges are how many of one kind a page lists.
const pageChanges = 200

func diffPart(title string, c sbom.Changes) site.DiffPart {
	part := site.DiffPart{Name: title}
	for _, x := range c.Changed {
		part.Changes = append(part.Changes, site.Change{Name: plainName(x.Name), From: x.From, To: x.To})
	}
	for _, x := range c.Added {
		part.Changes = append(part.Changes, site.Change{Name: plainName(x.Name), To: valueOr(x.Value)})
	}
	for _, x := range c.Removed {
		part.Changes = append(part.Changes, site.Change{Name: plainName(x.Name), From: valueOr(x.Value)})
	}
	if len(part.Changes) > pageChanges {
		part.More = len(part.Changes) - pageChanges
		part.Changes = part.Changes[:pageChanges]
	}
	return part
}

// plainName is a package's URL as people read it.
func plainName(name string) string { return strings.TrimPrefix(name, "pkg:") }

// valueOr keeps a change without a value from looking like none.
func valueOr(value string) string {
	if value == "" {
		return "without a version"
	}
	return value
}
