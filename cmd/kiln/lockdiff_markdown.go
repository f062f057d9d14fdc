package main

import (
	"fmt"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// markdown writes the difference as a part of a pull request's text, or
// nothing where nothing changed.
func (d lockDifference) markdown() string {
	if !d.Changed {
		return ""
	}
	var b strings.Builder
	for _, part := range []struct{ title, what, use string }{
		{"Sources", recipes.ChangeSource, ""},
		{"Packages of the image", recipes.ChangePackage, recipes.UseImage},
		{"Packages of the build", recipes.ChangePackage, recipes.UseBuild},
	} {
		var rows []string
		for _, c := range d.Pinned {
			if c.What == part.what && c.Use == part.use {
				rows = append(rows, row(strings.TrimSpace(c.Name+" "+strings.Join(c.Platforms, " ")), c.From, c.To))
			}
		}
		table(&b, part.title, rows)
	}
	for _, p := range d.Platforms {
		table(&b, "Fetched, "+p.Platform, p.fetched())
	}
	table(&b, "Size of packages", d.sizes())
	if b.Len() == 0 {
		b.WriteString("No version changed, but digests did.\n\n")
	}
	return b.String()
}

func (p platformDifference) fetched() (rows []string) {
	for _, c := range p.Fetched.Changed {
		rows = append(rows, row(c.Name, c.From, c.To))
	}
	for _, i := range p.Fetched.Added {
		rows = append(rows, row(i.Name, "", i.Value))
	}
	for _, i := range p.Fetched.Removed {
		rows = append(rows, row(i.Name, i.Value, ""))
	}
	return rows
}

func (d lockDifference) sizes() (rows []string) {
	for _, p := range d.Platforms {
		for _, s := range []struct {
			of string
			sizeChange
		}{{"image", p.ImageSize}, {"build", p.BuildSize}} {
			if s.From != s.To {
				rows = append(rows, row(s.of+", "+p.Platform, fmt.Sprintf("%d bytes", s.From), fmt.Sprintf("%d bytes (%+d)", s.To, s.To-s.From)))
			}
		}
	}
	return rows
}

// table writes rows below a title, if there are any.
func table(b *strings.Builder, title string, rows []string) {
	if len(rows) > 0 {
		fmt.Fprintf(b, "### %s\n\n| | From | To |\n|---|---|---|\n%s\n", title, strings.Join(rows, ""))
	}
}

func row(name, from, to string) string {
	return fmt.Sprintf("| %s | %s | %s |\n", code(name), code(from), code(to))
}

// code is text as it is, whatever Markdown would make of it: nothing in it is a
// link, a mention or another cell.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", "¦", "\n", " ", "\r", " ").Replace(text) + "`"
}
