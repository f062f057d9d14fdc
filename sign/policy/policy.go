// Package policy judges an image by a policy: each rule, with the evidence for
// what came of it.
//
// It is given facts that others have gathered and verified, and a time; it
// reads nothing itself. What is not known fails the rule that asks for it. Start
// at [Evaluate].
package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// Facts are what is known of one image. What is nil, or empty, is not known.
type Facts struct {
	// Signer is who signed the image and all that the policy asks to be said
	// about it; empty where nobody of its identities did, for the reasons in
	// Unsigned.
	Signer   string
	Unsigned []string
	// Statements are the predicate types that verified under the signer.
	Statements []string
	// TestsFailed is whether a statement that verified says that tests of the
	// image failed, or cannot be read.
	TestsFailed bool
	// Origin is from the provenance, SBOM from the SPDX document.
	Origin *Origin
	SBOM   *SBOM
	// Image is what was seen in the image itself.
	Image *Image
	// Rebuilders are the identities that made the same image again, each once.
	Rebuilders []string
	// Scan is from the report of a scan.
	Scan *Scan
	// Packages are the image's as compared with the archive.
	Packages *Packages
}

// Origin is where an image comes from.
type Origin struct {
	Builder string
	Base    string
	// Sources are the URIs of source code and of what steps fetched.
	Sources []string
	// Dated is when the newest index of the archive was made that the image's
	// packages were locked with; zero where it has none of the archive.
	Dated time.Time
	// EndOfLife is the last day on which the version is supported; zero where
	// nobody has said one. Grace is how long after it the image may stay.
	EndOfLife time.Time
	Grace     time.Duration
}

// SBOM is what is in an image.
type SBOM struct {
	Components []Component
	// Coverage is how much of the image belongs to one, in percent; negative
	// where the document does not say.
	Coverage float64
}

// Component has a license: an SPDX expression.
type Component struct {
	Name, License string
}

// Image is what an image holds.
type Image struct {
	// Created is when its configuration says it was made.
	Created time.Time
	// Size is compressed, in bytes.
	Size int64
	// Findings are what rules say against it, whatever a recipe allows.
	Findings []Finding
}

// Packages are those of the archive that are in an image.
type Packages struct {
	// Count is how many were compared, and Newer those of which the archive has
	// newer versions.
	Count int
	Newer []Newer
	// Unknown is why they could not be compared; empty where they were.
	Unknown string
}

// Newer is a newer version of a package than the image has.
type Newer struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Available is the newest version, and Suite where it is.
	Available string `json:"available"`
	Suite     string `json:"suite"`
	// Security is the suite of security updates that has a newer version than
	// the image; empty where none has.
	Security string `json:"security,omitempty"`
}

// Finding is one thing that a rule refuses.
type Finding struct {
	Rule, Path, Text string
}

// Scan is what a scan of the image found.
type Scan struct {
	// At is when it was done, and Advisories when the newest of those was
	// changed that it knew; zero where that is not known.
	At, Advisories time.Time
	// Missing is what it could not look for.
	Missing         []string
	Vulnerabilities []Vulnerability
	// Suppressed is how many others VEX statements say are no matter.
	Suppressed int
}

// Vulnerability is one that is in the image, and that no VEX statement says is
// no matter.
type Vulnerability struct {
	ID, Component string
	// Severity is critical, high, medium, low, or anything else.
	Severity string
	// Published is zero where that is not known: then it has no grace.
	Published time.Time
	Exploited bool
}

// Result is what came of one rule.
type Result struct {
	Rule string `json:"rule"`
	OK   bool   `json:"ok"`
	// Evidence is why, in words, and Hint the way out where there is one.
	Evidence string `json:"evidence"`
	Hint     string `json:"hint,omitempty"`
}

// Passed reports whether every rule did. No rule at all has not passed.
func Passed(results []Result) bool {
	return len(results) > 0 && !slices.ContainsFunc(results, func(r Result) bool { return !r.OK })
}

// Evaluate judges an image by p at the time now: the rules that p states, in
// its order, and always that it is signed.
func Evaluate(p *recipes.Policy, f Facts, now time.Time) []Result {
	if p == nil || len(p.Identities) == 0 {
		return []Result{{Rule: "identities", Evidence: "the policy names nobody who may sign"}}
	}
	e := &evaluation{policy: p, facts: f, now: now}
	e.signatures()
	e.origin()
	e.licenses()
	e.image()
	e.coverage()
	e.rebuilds()
	e.vulnerabilities()
	return e.results
}

// evaluation is one call of Evaluate.
type evaluation struct {
	policy  *recipes.Policy
	facts   Facts
	now     time.Time
	results []Result
}

func (e *evaluation) pass(rule, format string, args ...any) {
	e.results = append(e.results, Result{Rule: rule, OK: true, Evidence: fmt.Sprintf(format, args...)})
}

func (e *evaluation) fail(rule, format string, args ...any) {
	e.results = append(e.results, Result{Rule: rule, Evidence: fmt.Sprintf(format, args...)})
}

// each fails with what is wrong, or passes.
func (e *evaluation) each(rule string, wrong []string, format string, args ...any) {
	if len(wrong) > 0 {
		e.fail(rule, "%s", listed(wrong))
		return
	}
	e.pass(rule, format, args...)
}

// listed is a list that ends where nobody reads on.
func listed(list []string) string {
	const most = 5
	if len(list) > most {
		return strings.Join(list[:most], "; ") + fmt.Sprintf("; and %d more", len(list)-most)
	}
	return strings.Join(list, "; ")
}

func (e *evaluation) signatures() {
	if e.facts.Signer == "" {
		reason := "nothing is attached that one of the policy's identities signed"
		if len(e.facts.Unsigned) > 0 {
			reason = listed(e.facts.Unsigned)
		}
		e.fail("identities", "%s", reason)
		return
	}
	e.pass("identities", "signed by %s", e.facts.Signer)
	var missing []string
	for _, want := range Statements(e.policy) {
		if !slices.Contains(e.facts.Statements, want) {
			missing = append(missing, "no statement of the type "+want+" verifies")
		}
	}
	if e.facts.TestsFailed {
		missing = append(missing, "a statement says that tests of the image failed")
	}
	e.each("statements", missing, "%d verify: %s", len(Statements(e.policy)), strings.Join(Statements(e.policy), ", "))
}
