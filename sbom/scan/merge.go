package scan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/sbom/osv"
)

// Finding is one known vulnerability of one component.
type Finding struct {
	// ID is one of the vulnerability's names, Aliases are the others.
	ID        string     `json:"id"`
	Aliases   []string   `json:"aliases"`
	Component Component  `json:"component"`
	Summary   string     `json:"summary"`
	Severity  osv.Rating `json:"severity"`
	// Fixed is the lowest later version without it; empty where there is none.
	Fixed string `json:"fixed,omitempty"`
	URL   string `json:"url"`
	// Published is when the first of the advisories was, in RFC 3339; empty
	// where none says. Exploited is whether it is in the catalog of those that
	// are known to be exploited.
	Published string `json:"published,omitempty"`
	Exploited bool   `json:"exploited,omitempty"`
	// Symbols are the code that it is about, where an advisory names that.
	Symbols []osv.Symbol `json:"symbols,omitempty"`
	// Suppressed says why it does not count; nil where it does.
	Suppressed *Statement `json:"suppressed,omitempty"`
	// Statements are others about it, which leave it as it is.
	Statements []Statement `json:"statements,omitempty"`
}

// hit is an advisory that is about the version of a component.
type hit struct {
	advisory *osv.Advisory
	match    osv.Match
}

// merge makes one finding of all advisories that are about the same
// vulnerability: those that share a name, and those that share one with these.
func merge(c Component, hits []hit) []Finding {
	slices.SortStableFunc(hits, func(a, b hit) int { return strings.Compare(a.advisory.ID, b.advisory.ID) })
	var groups [][]hit
	for _, h := range hits {
		joined := []hit{h}
		groups = slices.DeleteFunc(groups, func(g []hit) bool {
			if !slices.ContainsFunc(g, func(o hit) bool { return shareName(h, o) }) {
				return false
			}
			joined = append(joined, g...)
			return true
		})
		groups = append(groups, joined)
	}
	var list []Finding
	for _, g := range groups {
		list = append(list, finding(c, g))
	}
	return list
}

func shareName(a, b hit) bool {
	return slices.ContainsFunc(a.advisory.Names(), func(n string) bool { return slices.Contains(b.advisory.Names(), n) })
}

// finding is what the advisories of one vulnerability say together. It goes by
// the id that comes first: the vulnerability's own databases before others.
func finding(c Component, group []hit) Finding {
	slices.SortFunc(group, func(a, b hit) int {
		return cmp.Or(rank(a.advisory.ID)-rank(b.advisory.ID), strings.Compare(a.advisory.ID, b.advisory.ID))
	})
	first := group[0].advisory
	f := Finding{ID: first.ID, Component: c, Summary: first.Summary, URL: first.URL(), Severity: osv.Rating{Level: osv.Unknown}, Aliases: []string{}}
	for _, h := range group {
		f.Aliases = append(f.Aliases, h.advisory.Names()...)
		f.Severity = osv.Worse(f.Severity, h.advisory.Rating(h.match.By))
		f.Fixed = cmp.Or(f.Fixed, h.match.Fixed)
		f.Summary = cmp.Or(f.Summary, h.advisory.Summary)
		f.Published = earlier(f.Published, h.advisory.Published)
		for _, p := range h.match.By {
			f.Symbols = append(f.Symbols, p.Symbols()...)
		}
	}
	slices.Sort(f.Aliases)
	f.Aliases = slices.DeleteFunc(slices.Compact(f.Aliases), func(n string) bool { return n == f.ID })
	return f
}

// earlier is the earlier of two times, where those that cannot be read are
// none. Some databases have the year 1 for what they do not know.
func earlier(a, b string) string {
	t, err := time.Parse(time.RFC3339, b)
	if err != nil || t.Year() <= 1 {
		return a
	}
	if have, err := time.Parse(time.RFC3339, a); err == nil && !t.Before(have) {
		return a
	}
	return t.UTC().Format(time.RFC3339)
}

// rank puts the databases of an ecosystem itself before those of all.
func rank(id string) int {
	order := []string{"GO-", "RUSTSEC-", "PYSEC-", "DSA-", "DLA-", "DEBIAN-", "GHSA-"}
	i := slices.IndexFunc(order, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
	if i < 0 {
		return len(order)
	}
	return i
}

// compareFindings puts the worst first. What nobody has rated may be bad, and
// stands before what is known to be no worse than medium.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		order(b)-order(a), cmp.Compare(b.Severity.Score, a.Severity.Score),
		a.Component.compare(b.Component), strings.Compare(a.ID, b.ID),
	)
}

func order(f Finding) int {
	return slices.Index([]osv.Level{osv.None, osv.Low, osv.Medium, osv.Unknown, osv.High, osv.Critical}, f.Severity.Level)
}

// Names are all names of the vulnerability.
func (f *Finding) Names() []string { return append([]string{f.ID}, f.Aliases...) }
