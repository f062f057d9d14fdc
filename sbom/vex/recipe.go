package vex

import (
	"strconv"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/scan"
)

// expires is what the notes of a statement have in their first line before the
// last day on which it holds: OpenVEX knows no such field.
const expires = "expires: "

// FromRecipe is the document of what people say of an image.
func FromRecipe(v *recipes.VEX, i Image) *Document {
	d := &Document{Author: v.Author, Version: v.Version, Tooling: "kiln"}
	for _, s := range v.Statements {
		d.Statements = append(d.Statements, said(s, i))
	}
	return d
}

// said puts the reason where OpenVEX has a place for it.
func said(s recipes.VEXStatement, i Image) Statement {
	out := Statement{
		Vulnerability: Vulnerability{Name: s.Vulnerability}, Timestamp: midnight(s.Date),
		Products: i.products(s.Components), Status: s.Status, Justification: s.Justification,
		StatusNotes: expires + s.Expires,
	}
	switch s.Status {
	case recipes.VEXNotAffected:
		out.Impact = s.Reason
	case recipes.VEXAffected:
		out.Action = s.Reason
	default:
		out.StatusNotes += "\n" + s.Reason
	}
	return out
}

// Statements are what people say, as a scan takes it.
func Statements(v *recipes.VEX) []scan.Statement {
	var list []scan.Statement
	for _, s := range v.Statements {
		list = append(list, scan.Statement{
			Vulnerabilities: []string{s.Vulnerability}, Components: s.Components,
			Status: s.Status, Justification: s.Justification, Reason: strings.TrimSpace(s.Reason),
			Date: s.Date, Expires: s.Expires, From: v.File + ":" + strconv.Itoa(s.Pos.Line),
		})
	}
	return list
}
