package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
)

// auditTable has a line for each image, and after it what each violates.
func auditTable(w io.Writer, out *audit) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "IMAGE\tPLATFORM\tSIGNED\tORIGIN\tAGE\tEOL\tNEWER\tVULNERABLE\tINSIDE\tSIZE\tRULES")
	for _, i := range out.Images {
		cells := i.cells()
		for n, cell := range cells {
			cells[n] = printable(cell)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, i := range out.Images {
		i.printViolations(w)
	}
	return out.printSummary(w)
}

func (i *audited) cells() []string {
	platform, age := cmp.Or(i.Platform, "-"), "-"
	if i.Index {
		platform = "index"
	}
	if i.Age >= 0 {
		age = fmt.Sprintf("%dd", i.Age)
	}
	verdict := "-"
	switch failed := len(i.violations()); {
	case failed > 0:
		verdict = fmt.Sprintf("FAIL %d", failed)
	case len(i.Rules) > 0:
		verdict = "ok"
	}
	return []string{
		i.title(), platform, i.signed(), i.originText(), age, cmp.Or(i.EndOfLife, "-"), i.newerText(), i.vulnerableText(), i.insideText(),
		megabytes(i.Size), verdict,
	}
}

// signed is who signed, in a word.
func (i *audited) signed() string {
	switch i.Signature.State {
	case signatureVerified:
		return "yes"
	case signatureOther:
		return "not by us"
	case signatureNone:
		return "no"
	}
	return "?"
}

// originText is what made it.
func (i *audited) originText() string {
	if i.Origin == nil {
		return "unknown"
	}
	text := i.Origin.Name + " " + i.Origin.Version
	if i.Origin.Variant != "" {
		text += " " + i.Origin.Variant
	}
	return text
}

func (i *audited) newerText() string {
	switch n, security := len(i.Packages.Newer), i.Packages.security(); {
	case i.Index:
		return "-"
	case i.Packages.Unknown != "":
		return "?"
	case security > 0:
		return fmt.Sprintf("%d (%d security)", n, security)
	default:
		return fmt.Sprint(n)
	}
}

// vulnerableText counts what nothing suppresses, the worst first.
func (i *audited) vulnerableText() string {
	switch {
	case i.Index:
		return "-"
	case i.Vulnerabilities.Unknown != "":
		return "?"
	}
	n := map[osv.Level]int{}
	for _, f := range i.Vulnerabilities.open() {
		n[f.Severity.Level]++
	}
	var parts []string
	for _, l := range []osv.Level{osv.Critical, osv.High, osv.Unknown, osv.Medium, osv.Low, osv.None} {
		if n[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[l], l))
		}
	}
	text := cmp.Or(strings.Join(parts, ", "), "0")
	if len(i.Vulnerabilities.Missing) > 0 || i.Vulnerabilities.From == fromDpkg {
		text += " or more"
	}
	return text
}

// insideText is what attackers like about it.
func (i *audited) insideText() string {
	if i.Index {
		return "-"
	}
	if !i.Looked {
		return "?"
	}
	var parts []string
	for _, rule := range recipes.PolicyRules() {
		if i.has(rule) {
			parts = append(parts, strings.TrimSuffix(rule, "-user"))
		}
	}
	return cmp.Or(strings.Join(parts, ","), "-")
}

func (i *audited) printViolations(w io.Writer) {
	list := i.violations()
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", printable(i.Reference))
	if len(i.Tags) > 0 {
		fmt.Fprintf(w, "  tags  %s\n", printable(strings.Join(i.Tags, ", ")))
	}
	for _, r := range list {
		fmt.Fprintf(w, "  FAIL  %-17s %s\n", r.Rule, oneLine(r.Evidence))
	}
}

// oneLine is text of others in one line.
func oneLine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }

func (out *audit) printSummary(w io.Writer) error {
	s := out.Summary
	fmt.Fprintf(w, "\n%s in %s: ", plural(s.Images, "image"), repositoriesText(s.Repositories))
	_, err := fmt.Fprintf(w, "%d violate a rule, %d cannot be read, %d unsigned or signed by others, %d of unknown origin, %d with newer packages in the archive, %d with known vulnerabilities\n",
		s.Violating, s.Broken, s.Unsigned, s.UnknownMaker, s.Outdated, s.Vulnerable)
	return err
}

func repositoriesText(n int) string {
	if n == 1 {
		return "1 repository"
	}
	return fmt.Sprintf("%d repositories", n)
}

// remarks tells people what is not in the table.
func (out *audit) remarks(w io.Writer, a *auditor) {
	if a.held == nil {
		fmt.Fprintln(w, "note: nobody is named who must have signed, and no image is held to anything but that it can be read: --policy FILE, or --key FILE")
	}
	if out.Archive != "" {
		fmt.Fprintln(w, "note: "+out.Archive+"; newer packages are not known")
	}
	said := map[string]bool{}
	for _, i := range out.Images {
		why := i.Packages.Unknown
		if strings.HasPrefix(why, archiveAway) && !said[why] {
			said[why] = true
			fmt.Fprintln(w, "note: "+oneLine(why))
		}
	}
	if a.db == nil {
		fmt.Fprintln(w, "note: no advisories: --db FOLDER looks for known vulnerabilities")
	}
	for _, u := range out.Unlisted {
		fmt.Fprintln(w, "not listed: "+oneLine(u.Error))
	}
	if out.Others > 0 {
		fmt.Fprintf(w, "%s no image, such as a chart or a cache\n", map[bool]string{true: "1 manifest is", false: fmt.Sprintf("%d manifests are", out.Others)}[out.Others == 1])
	}
	for _, e := range out.Rebuild.Include {
		fmt.Fprintf(w, "rebuild: %s (%s)\n", e.Name, e.Recipe)
	}
}
