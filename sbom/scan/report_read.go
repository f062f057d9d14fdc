package scan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kiln-build/kiln/sbom/osv"
)

// Reported is what a report says.
type Reported struct {
	// At is when the scan was done, and Advisories when the newest advisory
	// that it knew was changed; zero where the report does not say.
	At, Advisories time.Time
	// Sources are the ecosystems that were looked at, and Exploited whether
	// the catalog of exploited vulnerabilities was, as kiln's reports say it.
	Sources   []string
	Exploited bool
	// Findings are all, whether statements suppress them or not; see
	// [Result.Apply].
	Findings []Finding
}

// ReadReport reads the predicate of an in-toto statement about vulnerabilities,
// version 0.2, by whomever. Of others' it knows ids and severities at best.
func ReadReport(predicate []byte) (*Reported, error) {
	var r report
	if err := json.Unmarshal(predicate, &r); err != nil {
		return nil, fmt.Errorf("reading report: %w", err)
	}
	at, err := time.Parse(time.RFC3339, r.Metadata.Finished)
	if err != nil {
		return nil, fmt.Errorf("reading report: it does not say when the scan was done: %w", err)
	}
	out := &Reported{At: at}
	if t, err := time.Parse(time.RFC3339, r.Scanner.DB.LastUpdate); err == nil {
		out.Advisories = t
	}
	if r.Scanner.URI == scannerURI {
		out.looked(r.Scanner.DB.Version)
	}
	for i, entry := range r.Scanner.Result {
		if entry.ID == "" {
			return nil, fmt.Errorf("reading report: result %d has no id", i+1)
		}
		out.Findings = append(out.Findings, entry.finding())
	}
	return out, nil
}

// looked reads the version that databaseOf writes.
func (r *Reported) looked(version string) {
	for _, name := range strings.Split(version, ", ") {
		name, _, ok := strings.Cut(name, "@")
		switch {
		case name == osv.ExploitedName:
			r.Exploited = true
		case ok:
			r.Sources = append(r.Sources, name)
		}
	}
}

// finding reads an entry. What is annotated more than once counts as if it
// were said in one place.
func (r reported) finding() Finding {
	f := Finding{ID: r.ID, Severity: osv.Rating{Level: osv.Unknown}}
	for _, s := range r.Severity {
		switch s.Method {
		case methodLevel:
			f.Severity.Level = osv.Level(s.Score)
		case methodVector:
			f.Severity.Vector = s.Score
		case methodScore:
			f.Severity.Score, _ = strconv.ParseFloat(s.Score, 64)
		}
	}
	for _, a := range r.Annotations {
		f.Aliases = append(f.Aliases, a.Aliases...)
		f.Component.PURLs = append(f.Component.PURLs, a.PURLs...)
		f.Exploited = f.Exploited || a.Exploited
		if a.Component != "" {
			f.Component.Ecosystem, f.Component.Name, f.Component.Version = a.Ecosystem, a.Component, a.Version
			f.Fixed, f.URL, f.Published = a.Fixed, a.URL, a.Published
		}
	}
	return f
}
