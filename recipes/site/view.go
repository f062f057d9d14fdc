package site

import (
	"cmp"
	"slices"
	"strings"
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

type indexPage struct {
	page
	Images []Image
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

// Tallied are numbers of findings, the worst first, or a word where there is
// none.
type Tallied struct {
	Counts []SeverityCount
	Word   string
}

// SeverityCount is how many findings have a severity.
type SeverityCount struct {
	Severity string
	Count    int
}

func counted(s Scan) Tallied {
	if s.Why != "" {
		return Tallied{Word: "not scanned"}
	}
	counts := map[string]int{}
	for _, f := range s.Open() {
		counts[severityClass(f.Severity)]++
	}
	t := Tallied{Word: "none known"}
	if len(s.Missing) > 0 {
		t.Word = "scanned in part"
	}
	for _, name := range severities {
		if counts[name] > 0 {
			t.Counts = append(t.Counts, SeverityCount{name, counts[name]})
		}
	}
	return t
}

// Others are the statements about a finding besides the one that suppresses it.
func (f Finding) Others() []Statement {
	return slices.DeleteFunc(slices.Clone(f.Statements), func(s Statement) bool { return f.Suppressed != nil && s == *f.Suppressed })
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

// levelCount is how many images stand so.
type levelCount struct {
	Level Level
	Count int
}

// Tally counts the images by how they stand, where there are any.
func (p indexPage) Tally() []levelCount {
	var list []levelCount
	for _, l := range Levels() {
		n := 0
		for _, img := range p.Images {
			if img.Verdict.Level == l {
				n++
			}
		}
		if n > 0 {
			list = append(list, levelCount{l, n})
		}
	}
	return list
}

// Categories are those of all images.
func (p indexPage) Categories() []string {
	return p.all(func(img Image) []string { return img.Categories })
}

// Platforms are those of all images.
func (p indexPage) Platforms() []string { return p.all(Image.PlatformNames) }

func (p indexPage) all(of func(Image) []string) []string {
	var list []string
	for _, img := range p.Images {
		list = append(list, of(img)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
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

// searched is what the script searches, by the images' places in the table.
type searched struct {
	Images []searchedImage `json:"images"`
	// Packages are the places of the images that hold each.
	Packages map[string][]int `json:"packages"`
}

type searchedImage struct {
	Name string `json:"name"`
	// Text is all that a word may be found in, in lower case.
	Text       string   `json:"text"`
	Version    string   `json:"version"`
	Status     Level    `json:"status"`
	Rank       int      `json:"rank"`
	Categories []string `json:"categories"`
	Platforms  []string `json:"platforms"`
	Built      string   `json:"built"`
	Size       int64    `json:"size"`
	// Open weighs the vulnerabilities: the more and the worse, the more.
	Open int `json:"open"`
}

// Data is what the index's script needs.
func (p indexPage) Data() searched {
	s := searched{Images: []searchedImage{}, Packages: map[string][]int{}}
	for i, img := range p.Images {
		words := []string{img.Name, img.Version(), img.Summary, img.License}
		words = slices.Concat(words, img.Categories, img.Owners)
		x := searchedImage{
			Name: img.Name, Text: strings.ToLower(strings.Join(words, "\n")), Version: img.Version(),
			Status: img.Verdict.Level, Rank: rank(img.Verdict.Level), Size: img.Size(), Open: img.Scanned().weight(),
			Categories: img.Categories, Platforms: img.PlatformNames(),
		}
		if b := img.Built(); b != nil {
			x.Built = day(*b)
		}
		s.Images = append(s.Images, x)
		for _, name := range img.packageNames() {
			s.Packages[name] = append(s.Packages[name], i)
		}
	}
	return s
}

func (img Image) packageNames() []string {
	if img.Current == nil {
		return nil
	}
	var list []string
	for _, p := range img.Current.Packages.List {
		list = append(list, strings.ToLower(p.Name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// weight orders by the worst finding, then by how many there are; what is not
// known comes between none and any.
func (t Tallied) weight() int {
	if len(t.Counts) == 0 {
		return cmp.Compare(t.Word, "none known") & 1
	}
	worst := slices.Index(severities, t.Counts[0].Severity)
	return 10000*(len(severities)-worst) + min(t.Counts[0].Count, 9999)
}
