package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom/scan"
)

// tellRelocked prints texts of pull requests to stdout, and what else there is
// to say to stderr.
func tellRelocked(c *cli.Context, all []*relocked) error {
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, all)
	}
	for _, res := range all {
		title := strings.TrimSpace(res.Name + " " + res.Variant)
		fmt.Fprintf(c.App.ErrWriter, "%s  %s  %s\n", cmp.Or(title, res.Recipe), res.Status, res.Image)
		if res.SignedBy != "" {
			fmt.Fprintf(c.App.ErrWriter, "  attached    checked statement, signed by %s\n", res.SignedBy)
		}
		if res.Written != "" {
			fmt.Fprintf(c.App.ErrWriter, "  written     %s\n", res.Written)
		}
		if _, err := fmt.Fprint(c.App.Writer, res.Body); err != nil {
			return err
		}
	}
	return nil
}

// markdown is the text of a pull request, or a part of one.
func (res *relocked) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s is not what locking its recipe leads to now.\n\n",
		strings.TrimSpace(res.Name+" "+res.Version+" "+res.Variant), code(res.Image))
	if res.RecipeChanged {
		b.WriteString("The recipe itself has changed since the image was built.\n\n")
	}
	b.WriteString(res.Lock.markdown())
	res.licenses(&b)
	res.vulnerabilities(&b)
	return b.String()
}

func (res *relocked) licenses(b *strings.Builder) {
	var rows []string
	for _, l := range res.Licenses {
		rows = append(rows, row(l.Package, cmp.Or(l.From, "not known"), cmp.Or(l.To, "not known")))
	}
	table(b, "Licenses", rows)
}

func (res *relocked) vulnerabilities(b *strings.Builder) {
	v := res.Vulnerabilities
	if v == nil {
		return
	}
	b.WriteString("### Vulnerabilities\n\n")
	for _, part := range []struct {
		what string
		list []scan.Finding
	}{{"Closed", v.Closed}, {"Opened", v.Opened}} {
		fmt.Fprintf(b, "%s: %d.\n\n", part.what, len(part.list))
		if len(part.list) > 0 {
			b.WriteString("| | Severity | In | About |\n|---|---|---|---|\n")
		}
		for _, f := range part.list {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", code(f.ID), f.Severity.Level, code(f.Component.String()), code(f.Summary))
		}
		if len(part.list) > 0 {
			b.WriteByte('\n')
		}
	}
	if len(v.Missing) > 0 {
		fmt.Fprintf(b, "Nothing is known of packages of %s: the advisories lack that.\n\n", code(strings.Join(v.Missing, ", ")))
	}
}
