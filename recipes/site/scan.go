package site

import (
	"cmp"
	"slices"
	"time"
)

// Scan is what is known of vulnerabilities.
type Scan struct {
	Why string
	// At is when it was done, Advisories when the newest advisory was changed
	// that it knew; zero where that is not known.
	At, Advisories time.Time
	// Missing are ecosystems of packages in the image that it had no
	// advisories for, and Unmatched packages of none.
	Missing   []string
	Unmatched []string
	Findings  []Finding
}

// Open are the findings that no statement suppresses.
func (s Scan) Open() []Finding { return s.which(false) }

// Suppressed are those that a statement says are no matter.
func (s Scan) Suppressed() []Finding { return s.which(true) }

func (s Scan) which(suppressed bool) (list []Finding) {
	for _, f := range s.Findings {
		if (f.Suppressed != nil) == suppressed {
			list = append(list, f)
		}
	}
	return list
}

// Finding is one known vulnerability of one package.
type Finding struct {
	ID      string
	Aliases []string
	URL     string
	Summary string
	Package string
	Version string
	// Fixed is the lowest version without it; empty where there is none.
	Fixed string
	// Severity is critical, high, medium, low, none or unknown.
	Severity  string
	Exploited bool
	// Suppressed is the statement that says it is no matter, Statements are
	// others about it.
	Suppressed *Statement
	Statements []Statement
}

// Statement is a VEX statement.
type Statement struct {
	Status, Justification, Reason string
	From                          string
	// Date and Expires are days, as YYYY-MM-DD.
	Date, Expires string
	Expired       bool
}

// Others are the statements about a finding besides the one that suppresses it.
func (f Finding) Others() []Statement {
	return slices.DeleteFunc(slices.Clone(f.Statements), func(s Statement) bool { return f.Suppressed != nil && s == *f.Suppressed })
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

// weight orders by the worst finding, then by how many there are; what is not
// known comes between none and any.
func (t Tallied) weight() int {
	if len(t.Counts) == 0 {
		return cmp.Compare(t.Word, "none known") & 1
	}
	worst := slices.Index(severities, t.Counts[0].Severity)
	return 10000*(len(severities)-worst) + min(t.Counts[0].Count, 9999)
}
