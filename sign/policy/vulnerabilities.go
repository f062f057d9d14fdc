package policy

import (
	"fmt"
	"strings"
	"time"
)

const day = 24 * time.Hour

// scanAgain is how a report comes to an image.
const scanAgain = "`kiln scan IMAGE --db FOLDER --key FILE --attest` scans it and attaches a signed report"

// vulnerabilities judges the report of a scan.
func (e *evaluation) vulnerabilities() {
	v, s := e.policy.Vulnerabilities, e.facts.Scan
	if v == nil {
		return
	}
	if why, hint := e.stale(); why != "" {
		e.results = append(e.results, Result{Rule: "vulnerabilities", Evidence: why, Hint: hint})
		return
	}
	var wrong []string
	within := 0
	for _, found := range s.Vulnerabilities {
		severity := strings.ToLower(found.Severity)
		grace := v.Grace(severity, found.Exploited)
		if !found.Published.IsZero() && e.now.Sub(found.Published) <= time.Duration(grace)*day {
			within++
			continue
		}
		wrong = append(wrong, describe(found, severity, grace))
	}
	e.each("vulnerabilities", wrong, "%d known, all within their days of grace, and %d that VEX statements suppress; scanned %s with advisories of %s",
		within, s.Suppressed, s.At.Format(time.DateOnly), s.Advisories.Format(time.DateOnly))
}

// stale is why the report says nothing of today, and the way out.
func (e *evaluation) stale() (why, hint string) {
	s, most := e.facts.Scan, e.policy.Vulnerabilities.MaxScanAge()
	switch {
	case s == nil:
		return "no report of a scan verifies that could be read", scanAgain
	case s.At.After(e.now.Add(day)):
		return "it says that it was scanned on " + s.At.Format(time.DateOnly) + ", which is to come", scanAgain
	case e.now.Sub(s.At) > most:
		return fmt.Sprintf("it was scanned %s, more than %d", e.ago(s.At), int(most/day)), scanAgain
	case s.Advisories.IsZero():
		return "the report does not say how old the advisories are that it knew", scanAgain
	case s.Advisories.After(e.now.Add(day)):
		return "the newest advisory that the scan knew was changed on " + s.Advisories.Format(time.DateOnly) + ", which is to come", scanAgain
	case e.now.Sub(s.Advisories) > most:
		return fmt.Sprintf("the newest advisory that the scan knew was changed %s, more than %d", e.ago(s.Advisories), int(most/day)),
			"`kiln db pull --from URL --db FOLDER` gets those of today; then " + scanAgain
	case len(s.Missing) > 0:
		return "the scan could not look for " + strings.Join(s.Missing, ", "), "put what the folder of advisories lacks there; then " + scanAgain
	}
	return "", ""
}

func (e *evaluation) ago(t time.Time) string {
	days := int(e.now.Sub(t) / day)
	if days == 1 {
		return "1 day ago (" + t.Format(time.DateOnly) + ")"
	}
	return fmt.Sprintf("%d days ago (%s)", days, t.Format(time.DateOnly))
}

func describe(v Vulnerability, severity string, grace int) string {
	if severity == "" {
		severity = "unknown"
	}
	if v.Exploited {
		severity += ", exploited"
	}
	since := "published at an unknown time"
	if !v.Published.IsZero() {
		since = "published " + v.Published.Format(time.DateOnly)
	}
	return fmt.Sprintf("%s in %s (%s), %s, has %d days", v.ID, v.Component, severity, since, grace)
}
