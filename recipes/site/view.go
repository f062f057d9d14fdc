package site

import (
	"slices"
	"time"
)

// page is what all pages have. Root is the way from it to the index's folder.
type page struct {
	Catalog *Catalog
	Root    string
	// AsOf is the day of the newest fact.
	AsOf string
}

type imagePage struct {
	page
	Image *Image
}

func (c *Catalog) page(root string) page {
	var newest time.Time
	see := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	for _, img := range c.Images {
		for _, r := range img.Releases {
			see(r.Built)
		}
		if img.Current != nil {
			see(img.Current.Scan.At)
			see(img.Current.Scan.Advisories)
		}
	}
	return page{Catalog: c, Root: root, AsOf: day(newest)}
}

// Sorted are the reasons, the worst first.
func (v Verdict) Sorted() []Reason {
	return slices.SortedStableFunc(slices.Values(v.Reasons), func(a, b Reason) int { return rank(b.Level) - rank(a.Level) })
}

// Version is that of the release that people are to use, or else the one that
// the recipe asks for.
func (img Image) Version() string {
	if img.Current != nil {
		return img.Current.Version
	}
	return img.Wanted
}

// Built is when the current release was; nil where that is not known.
func (img Image) Built() *time.Time {
	if img.Current == nil || img.Current.Built.IsZero() {
		return nil
	}
	return &img.Current.Built
}

// Size is that of the current release, for the first platform.
func (img Image) Size() int64 {
	if img.Current == nil {
		return 0
	}
	return img.Current.Size()
}

// PlatformNames are those of the current release.
func (img Image) PlatformNames() []string {
	if img.Current == nil {
		return nil
	}
	var list []string
	for _, p := range img.Current.Platforms {
		list = append(list, p.Name)
	}
	return list
}

// Scanned is what is known of the current release's vulnerabilities, in short.
func (img Image) Scanned() Tallied {
	if img.Current == nil {
		return Tallied{Word: "–"}
	}
	return counted(img.Current.Scan)
}

// From are the sources, or else what steps fetched.
func (p Provenance) From(fetched bool) (list []Source) {
	for _, x := range p.Sources {
		if x.Fetched == fetched {
			list = append(list, x)
		}
	}
	return list
}

// Kind is added, removed or changed.
func (c Change) Kind() string {
	switch {
	case c.From == "":
		return "added"
	case c.To == "":
		return "removed"
	}
	return "changed"
}

// Sign is that of a difference.
func (c Change) Sign() string {
	return map[string]string{"added": "+", "removed": "−", "changed": "~"}[c.Kind()]
}

// Word is how the tests ended, in short.
func (t Tests) Word() string {
	switch {
	case t.Why != "":
		return "not known"
	case t.Result == "FAILED":
		return plural(len(t.Failed), "test") + " failed"
	case len(t.Passed)+len(t.NotRun) == 0:
		return "none"
	case len(t.NotRun) > 0:
		return plural(len(t.NotRun), "test") + " not run"
	}
	return plural(len(t.Passed), "test") + " passed"
}

// section is a part of an image's page.
type section struct {
	ID, Title string
	Count     int
}

// Sections are the parts, in their order.
func (p imagePage) Sections() []section {
	d := p.Image.Current
	if d == nil {
		return []section{{"runtime", "Runtime contract", 0}, {"versions", "Versions", len(p.Image.Releases)}}
	}
	list := []section{
		{"use", "Pull", 0}, {"verify", "Verify", 0}, {"runtime", "Runtime contract", 0},
		{"vulnerabilities", "Vulnerabilities", len(d.Scan.Open())}, {"packages", "Packages", len(d.Packages.List)},
		{"changes", "Changes", 0}, {"versions", "Versions", len(p.Image.Releases)}, {"provenance", "Provenance", 0}, {"tests", "Tests", 0},
	}
	if d.Audit != nil {
		list = append(list, section{"audit", "Audit", 0})
	}
	return list
}
