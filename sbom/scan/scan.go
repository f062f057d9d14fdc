// Package scan finds the known vulnerabilities of what is in an image: it
// reads components from an SPDX document or a lock, and matches them with the
// advisories of an OSV database in a folder. It asks no network and reads no
// clock, and the same input gives the same result.
//
// What it cannot match it names: ecosystems that the database lacks, and
// components that have none. Start at [ReadDocument] or [OfLock], then [Find],
// and [Result.Apply] for what VEX says of the findings.
package scan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/sbom/osv"
)

// Inventory is what is to be scanned.
type Inventory struct {
	Components []Component `json:"components"`
	// Unmatched are what no advisory can be found for.
	Unmatched []Unmatched `json:"unmatched"`
}

// Component is a package as advisories name it.
type Component struct {
	// Ecosystem, Name and Version are as OSV has them. Of Debian's packages it
	// is the source package that advisories are about.
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	// PURLs are the package URLs of what was found of it.
	PURLs []string `json:"purls"`
}

// Unmatched is a component that no advisory can be found for.
type Unmatched struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Result is what a scan found.
type Result struct {
	Inventory
	// Findings are by severity, the worst first.
	Findings []Finding `json:"findings"`
	// Databases are what was matched with, by ecosystem.
	Databases []Source `json:"databases"`
	// Missing are the ecosystems that components are of and that the database
	// has nothing of: nothing is known of these.
	Missing []string `json:"missing"`
	// Exploited is the catalog of vulnerabilities that are known to be
	// exploited; nil where the database has none.
	Exploited *Source `json:"exploited,omitempty"`
}

// Source is one ecosystem of the database.
type Source struct {
	Ecosystem string `json:"ecosystem"`
	Records   int    `json:"records"`
	// Modified is when the newest record was changed, in RFC 3339: how old the
	// database is.
	Modified string `json:"modified"`
}

// Find matches the components with the database.
func Find(db *osv.Database, in Inventory) (*Result, error) {
	all, err := FindAll(db, []Inventory{in})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// FindAll is [Find] for each of the inventories, for which the database is read
// once.
func FindAll(db *osv.Database, list []Inventory) ([]*Result, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var together Inventory
	results := make([]*Result, len(list))
	for i, in := range list {
		in.sort()
		results[i] = &Result{Inventory: in, Findings: []Finding{}, Databases: []Source{}, Missing: []string{}}
		together.Components = append(together.Components, in.Components...)
	}
	for _, ecosystem := range together.ecosystems() {
		advisories, err := db.Load(ecosystem, wanted(ecosystem, together.of(ecosystem)))
		var missing *osv.MissingError
		if err != nil && !errors.As(err, &missing) {
			return nil, err
		}
		for _, r := range results {
			r.look(ecosystem, advisories)
		}
	}
	known, err := db.Exploited()
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		r.markExploited(known)
		slices.SortFunc(r.Findings, compareFindings)
		slices.SortFunc(r.Unmatched, compareUnmatched)
	}
	return results, nil
}

// look matches the components of an ecosystem, which the database lacks where
// there is no list.
func (r *Result) look(ecosystem string, list *osv.Advisories) {
	of := r.of(ecosystem)
	switch {
	case len(of) == 0:
		return
	case list == nil:
		r.Missing = append(r.Missing, ecosystem)
		return
	}
	r.Databases = append(r.Databases, Source{ecosystem, list.Records, list.Modified})
	for _, c := range of {
		r.match(c, list)
	}
}

func (r *Result) markExploited(known *osv.Exploited) {
	if known == nil {
		return
	}
	r.Exploited = &Source{osv.ExploitedName, known.Len(), known.Released}
	for i := range r.Findings {
		r.Findings[i].Exploited = known.Has(r.Findings[i].Names())
	}
}

func wanted(ecosystem string, list []Component) func(string) bool {
	keys := map[string]bool{}
	for _, c := range list {
		keys[osv.Key(ecosystem, c.Name)] = true
	}
	return func(key string) bool { return keys[key] }
}

// match adds the findings about a component. A version that is none of its
// ecosystem is not matched, and named.
func (r *Result) match(c Component, list *osv.Advisories) {
	var hits []hit
	for _, a := range list.About(c.Name) {
		m, err := a.Match(c.Ecosystem, c.Name, c.Version)
		if err != nil {
			r.Unmatched = append(r.Unmatched, Unmatched{c.String(), err.Error()})
			continue
		}
		if m.Affected {
			hits = append(hits, hit{a, m})
		}
	}
	r.Findings = append(r.Findings, merge(c, hits)...)
}

// IncompleteError says that a scan could not look for everything.
type IncompleteError struct {
	Missing []string
	Dir     string
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("scanning: %s has no advisories for %s, so nothing is known of its packages", e.Dir, strings.Join(e.Missing, ", "))
}

// Hint is the way out.
func (e *IncompleteError) Hint() string {
	name, _, _ := strings.Cut(e.Missing[0], ":") // of all releases
	return "`kiln db pull --ecosystem " + name + "` adds an ecosystem to the folder"
}

// Complete is an [*IncompleteError] where an ecosystem is missing from the
// database in the folder dir.
func (r *Result) Complete(dir string) error {
	if len(r.Missing) == 0 {
		return nil
	}
	return &IncompleteError{r.Missing, dir}
}

// Worst are the findings at or above the level that nothing suppresses.
func (r *Result) Worst(threshold osv.Level) []Finding {
	var list []Finding
	for _, f := range r.Findings {
		if f.Suppressed == nil && f.Severity.Level.AtLeast(threshold) {
			list = append(list, f)
		}
	}
	return list
}

// ecosystems are those of the components, sorted.
func (in *Inventory) ecosystems() []string {
	var names []string
	for _, c := range in.Components {
		names = append(names, c.Ecosystem)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (in *Inventory) of(ecosystem string) []Component {
	return slices.DeleteFunc(slices.Clone(in.Components), func(c Component) bool { return c.Ecosystem != ecosystem })
}
