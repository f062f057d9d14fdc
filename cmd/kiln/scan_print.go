package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

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

func (s *scanned) table(w io.Writer) error {
	var open, closed []scan.Finding
	for _, f := range s.Findings {
		if f.Suppressed == nil {
			open = append(open, f)
		} else {
			closed = append(closed, f)
		}
	}
	fmt.Fprintf(w, "%s: %s, %s", strings.TrimSpace(s.Target+" "+s.Platform), plural(len(s.Components), "component"), plural(len(open), "finding"))
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
			fmt.Fprintf(w, "  %s %s: %s\n", f.ID, f.Component.Name, remark(st))
		}
	}
	for _, f := range closed {
		fmt.Fprintf(w, "  suppressed: %s %s: %s\n", f.ID, f.Component.Name, remark(*f.Suppressed))
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
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", severity, alias(f), f.Component.Name, f.Component.Version, cmp.Or(f.Fixed, "-"), oneLine(f.Summary))
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

// oneLine is what of a summary a terminal has room for. Advisories are text of
// others: what would move the cursor is left out.
func oneLine(text string) string {
	const most = 72
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
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
