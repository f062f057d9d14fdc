package scan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kiln-build/kiln/sbom/osv"
)

// scannerURI names kiln as a scanner.
const scannerURI = "https://github.com/kiln-build/kiln"

// Methods by which a report gives severities.
const (
	methodLevel  = "level" // a word of CVSS's qualitative scale, or unknown
	methodScore  = "cvss_score"
	methodVector = "cvss_vector"
)

// ReportInput is what [Report] writes.
type ReportInput struct {
	// Kiln is the version of what scanned.
	Kiln              string
	Started, Finished time.Time
	// Results are those of an image, or of all images of an index.
	Results []*Result
}

// report is in-toto's predicate for vulnerabilities, version 0.2 (attestation
// spec, predicates/vulns_02.md).
type report struct {
	Scanner  scanner  `json:"scanner"`
	Metadata metadata `json:"metadata"`
}

type scanner struct {
	URI     string `json:"uri"`
	Version string `json:"version"`
	// DB is what was matched with: as its version the ecosystems, and the
	// catalog of exploited vulnerabilities, each with the time of its newest
	// entry. Where no ecosystem was looked at it has the time of the catalog.
	DB     matchedWith `json:"db"`
	Result []reported  `json:"result"`
}

type matchedWith struct {
	Version    string `json:"version"`
	LastUpdate string `json:"lastUpdate,omitempty"`
}

type metadata struct {
	Started  string `json:"scanStartedOn"`
	Finished string `json:"scanFinishedOn"`
}

type reported struct {
	ID          string       `json:"id"`
	Severity    []severity   `json:"severity"`
	Annotations []annotation `json:"annotations"`
}

type severity struct {
	Method string `json:"method"`
	Score  string `json:"score"`
}

// annotation is what the predicate has no fields for.
type annotation struct {
	Aliases   []string `json:"aliases,omitempty"`
	Ecosystem string   `json:"ecosystem,omitempty"`
	Component string   `json:"component,omitempty"`
	Version   string   `json:"version,omitempty"`
	PURLs     []string `json:"purls,omitempty"`
	Fixed     string   `json:"fixed,omitempty"`
	URL       string   `json:"url,omitempty"`
	Published string   `json:"published,omitempty"`
	Exploited bool     `json:"exploited,omitempty"`
}

// Report writes the predicate of an in-toto statement about what was found: all
// of it, whatever statements suppress, since those are attached on their own
// and expire. A result that could not look for everything is refused with an
// [*IncompleteError]. The same input gives the same bytes.
func Report(in ReportInput) (json.RawMessage, error) {
	if in.Finished.IsZero() || len(in.Results) == 0 {
		return nil, errors.New("writing report: results and the time of the scan are needed")
	}
	r := report{
		Scanner:  scanner{URI: scannerURI, Version: in.Kiln, Result: []reported{}},
		Metadata: metadata{stamp(in.Started), stamp(in.Finished)},
	}
	var sources []Source
	for _, result := range in.Results {
		if len(result.Missing) > 0 {
			return nil, &IncompleteError{Missing: result.Missing, Dir: "the database"}
		}
		sources = append(sources, result.Databases...)
		if result.Exploited != nil {
			sources = append(sources, *result.Exploited)
		}
		for _, f := range result.Findings {
			r.Scanner.Result = append(r.Scanner.Result, f.report())
		}
	}
	r.Scanner.Result = unique(r.Scanner.Result)
	r.Scanner.DB = databaseOf(sources)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	return text, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unique are the entries in the order of their ids, each once: images of an
// index have much in common.
func unique(list []reported) []reported {
	text := func(r reported) string {
		return r.Annotations[0].Component + " " + strings.Join(r.Annotations[0].PURLs, " ")
	}
	slices.SortStableFunc(list, func(a, b reported) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(text(a), text(b)))
	})
	return slices.CompactFunc(list, func(a, b reported) bool { return a.ID == b.ID && text(a) == text(b) })
}

// databaseOf dates what was matched with by its advisories: a new catalog does
// not make old ones new.
func databaseOf(sources []Source) matchedWith {
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
	var names []string
	advisories, catalog := "", ""
	for _, s := range slices.Compact(sources) {
		names = append(names, s.Ecosystem+"@"+s.Modified)
		if s.Ecosystem == osv.ExploitedName {
			catalog = s.Modified
		} else {
			advisories = max(advisories, s.Modified)
		}
	}
	return matchedWith{Version: strings.Join(names, ", "), LastUpdate: cmp.Or(advisories, catalog)}
}

func (f *Finding) report() reported {
	r := reported{ID: f.ID, Severity: []severity{{methodLevel, string(f.Severity.Level)}}}
	if f.Severity.Vector != "" {
		r.Severity = append(r.Severity, severity{methodScore, strconv.FormatFloat(f.Severity.Score, 'f', 1, 64)}, severity{methodVector, f.Severity.Vector})
	}
	r.Annotations = []annotation{{
		Aliases: f.Aliases, Ecosystem: f.Component.Ecosystem, Component: f.Component.Name, Version: f.Component.Version, PURLs: f.Component.PURLs,
		Fixed: f.Fixed, URL: f.URL, Published: f.Published, Exploited: f.Exploited,
	}}
	return r
}
