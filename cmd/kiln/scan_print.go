package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

func scanJSON(w io.Writer, all []*scanned) error {
	return printJSON(w, struct {
		Scans []*scanned `json:"scans"`
	}{all})
}

// scanTable has a line for each finding, and after those that count the ones
// that do not, each with its reason.
func scanTable(w io.Writer, all []*scanned) error {
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := s.table(w); err != nil {
			return err
		}
	}
	return nil
}

// title is how people are told what was scanned.
func (s *scanned) title() string { return strings.TrimSpace(s.Target + " " + printable(s.Platform)) }

func (s *scanned) table(w io.Writer) error {
	var open, closed []scan.Finding
	for _, f := range s.Findings {
		if f.Suppressed == nil {
			open = append(open, f)
		} else {
			closed = append(closed, f)
		}
	}
	fmt.Fprintf(w, "%s: %s, %s", s.title(), plural(len(s.Components), "component"), plural(len(open), "finding"))
	if len(closed) > 0 {
		fmt.Fprintf(w, ", %d suppressed", len(closed))
	}
	fmt.Fprintln(w)
	if len(open) > 0 {
		if err := findingTable(w, open); err != nil {
			return err
		}
	}
	for _, f := range open {
		for _, st := range f.Statements {
			fmt.Fprintln(w, "  "+printable(f.ID+" "+f.Component.Name+": "+remark(st)))
		}
	}
	for _, f := range closed {
		fmt.Fprintln(w, "  suppressed: "+printable(f.ID+" "+f.Component.Name+": "+remark(*f.Suppressed)))
	}
	return nil
}

func findingTable(w io.Writer, list []scan.Finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  SEVERITY\tID\tCOMPONENT\tVERSION\tFIXED\tSUMMARY")
	for _, f := range list {
		severity := string(f.Severity.Level)
		if f.Severity.Score > 0 {
			severity = fmt.Sprintf("%s %.1f", severity, f.Severity.Score)
		}
		if f.Exploited {
			severity += ", exploited"
		}
		cells := []string{severity, alias(f), f.Component.Name, f.Component.Version, cmp.Or(f.Fixed, "-"), shortened(f.Summary)}
		for i, cell := range cells {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// alias is the finding's id, and its CVE where that is another.
func alias(f scan.Finding) string {
	for _, a := range f.Aliases {
		if strings.HasPrefix(a, "CVE-") {
			return f.ID + " " + a
		}
	}
	return f.ID
}

// printable is text of others, as that of advisories, SBOMs and statements,
// without what would move a terminal's cursor, begin a line or turn its order.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// shortened is what of a summary a terminal has room for.
func shortened(text string) string {
	const most = 72
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// remark is a statement in one line.
func remark(s scan.Statement) string {
	text := s.Status
	if s.Justification != "" {
		text += ", " + s.Justification
	}
	if s.Expired {
		text = "expired on " + s.Expires + ": " + text
	}
	if s.Reason != "" {
		text += ": " + strings.Join(strings.Fields(s.Reason), " ")
	}
	if len(s.Stack) > 0 {
		text += ": " + strings.Join(s.Stack, " > ")
	}
	return text + " (" + s.From + ")"
}

// remarks tells people what is not in the findings.
func (s *scanned) remarks(w io.Writer) {
	title := s.title()
	say := func(format string, args ...any) {
		fmt.Fprintln(w, title+": "+printable(fmt.Sprintf(format, args...)))
	}
	if s.Kind == kindImage && !s.Verified {
		fmt.Fprintf(w, "note: %s: nobody was asked who signed this SBOM, and VEX attached to the image is not applied; --key FILE or --certificate-identity checks both\n", title)
	}
	for _, d := range s.Databases {
		say("%s advisories for %s, the newest of %s", thousands(d.Records), d.Ecosystem, strings.TrimSuffix(d.Modified, "Z"))
	}
	for _, u := range s.Unmatched {
		say("not matched: %s: %s", u.Name, u.Reason)
	}
	if s.Exploited == nil {
		say("%s has no %s, so nothing is known of what is exploited", s.db, osv.ExploitedFile)
	}
	for _, m := range s.Missing {
		say("not matched: %s of %s, which the database lacks", plural(s.count(m), "component"), m)
	}
}

func (s *scanned) count(ecosystem string) int {
	n := 0
	for _, c := range s.Components {
		if c.Ecosystem == ecosystem {
			n++
		}
	}
	return n
}

// thousands is a number as people read it.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
