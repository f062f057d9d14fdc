package scan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/sbom/osv"
)

// String is the component for people.
func (c Component) String() string { return c.Name + " " + c.Version }

func (c Component) compare(o Component) int {
	return cmp.Or(
		strings.Compare(c.Ecosystem, o.Ecosystem), strings.Compare(c.Name, o.Name), strings.Compare(c.Version, o.Version),
	)
}

// same is whether both are one package to advisories.
func (c Component) same(o Component) bool {
	return c.Ecosystem == o.Ecosystem && c.Version == o.Version && osv.Key(c.Ecosystem, c.Name) == osv.Key(o.Ecosystem, o.Name)
}

func compareUnmatched(a, b Unmatched) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Reason, b.Reason))
}

// sort puts the inventory in order, with each component once.
func (in *Inventory) sort() {
	slices.SortStableFunc(in.Components, func(a, b Component) int {
		return cmp.Or(
			strings.Compare(a.Ecosystem, b.Ecosystem),
			strings.Compare(osv.Key(a.Ecosystem, a.Name), osv.Key(b.Ecosystem, b.Name)),
			strings.Compare(a.Version, b.Version), a.compare(b))
	})
	merged := []Component{}
	for _, c := range in.Components {
		if n := len(merged); n > 0 && merged[n-1].same(c) {
			merged[n-1].PURLs = append(merged[n-1].PURLs, c.PURLs...)
			continue
		}
		c.PURLs = slices.Clone(c.PURLs)
		merged = append(merged, c)
	}
	for i := range merged {
		slices.Sort(merged[i].PURLs)
		merged[i].PURLs = slices.Compact(merged[i].PURLs)
	}
	in.Components = merged
	in.Unmatched = slices.Clone(in.Unmatched)
	slices.SortFunc(in.Unmatched, compareUnmatched)
	if in.Unmatched = slices.Compact(in.Unmatched); in.Unmatched == nil {
		in.Unmatched = []Unmatched{}
	}
}

// add adds what a package URL names, or says why it has no advisories.
func (in *Inventory) add(purl string) {
	c, why := ofPURL(purl)
	if why != "" {
		in.Unmatched = append(in.Unmatched, Unmatched{purl, why})
		return
	}
	in.Components = append(in.Components, c)
}
