package vex

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

// Justifications that an analysis of the source gives (OpenVEX 0.2.0, "Status
// Justifications").
const (
	notPresent  = "vulnerable_code_not_present"
	notExecuted = "vulnerable_code_not_in_execute_path"
)

// fromAnalysis is where statements of FromReach stand.
const fromAnalysis = "analysis of the source"

// FromReach is what an analysis of the service's source says of findings in Go
// modules. What the analysis did not look at, or an advisory that names no
// code, it says nothing of.
func FromReach(a *recipes.Analysis, findings []scan.Finding) []scan.Statement {
	var list []scan.Statement
	for _, f := range findings {
		if f.Component.Ecosystem != "Go" || len(f.Symbols) == 0 {
			continue
		}
		if s, ok := evidence(a, f); ok {
			list = append(list, s)
		}
	}
	return list
}

// evidence says something of a finding where each advisory of the Go
// vulnerability database that it goes by was looked at.
func evidence(a *recipes.Analysis, f scan.Finding) (scan.Statement, bool) {
	s := scan.Statement{Components: f.Component.PURLs, From: fromAnalysis, Status: recipes.VEXNotAffected, Justification: notPresent}
	for _, name := range f.Names() {
		if !strings.HasPrefix(name, "GO-") {
			continue
		}
		s.Vulnerabilities = append(s.Vulnerabilities, name)
		i := slices.IndexFunc(a.Reaches, func(r recipes.Reach) bool {
			return r.Advisory == name && osv.Key("Go", r.Module) == osv.Key("Go", f.Component.Name)
		})
		if i < 0 {
			return scan.Statement{}, false
		}
		switch r := a.Reaches[i]; {
		case r.Level == recipes.ReachCalled:
			s.Status, s.Justification, s.Stack = recipes.VEXAffected, "", r.Stack
		case r.Level == recipes.ReachImported && s.Status == recipes.VEXNotAffected:
			s.Justification = notExecuted
		}
	}
	s.Reason = reason(a, f, s)
	return s, len(s.Vulnerabilities) > 0
}

// reason says what was looked for, and where.
func reason(a *recipes.Analysis, f scan.Finding, s scan.Statement) string {
	by := fmt.Sprintf("%s, with %s, of %s", a.Analyser, a.Go, strings.Join(a.Programs, ", "))
	switch {
	case s.Status == recipes.VEXAffected:
		return "vulnerable code is called: " + by
	case s.Justification == notPresent:
		var packages []string
		for _, p := range f.Symbols {
			packages = append(packages, p.Path)
		}
		return "not linked with " + strings.Join(unique(packages), ", ") + ": " + by
	}
	return "no call of " + strings.Join(symbols(f), ", ") + ": " + by
}

// symbols are the functions that were looked for.
func symbols(f scan.Finding) []string {
	var names []string
	for _, p := range f.Symbols {
		if len(p.Names) == 0 {
			names = append(names, "any function of "+p.Path)
		}
		for _, n := range p.Names {
			names = append(names, p.Path+"."+n)
		}
	}
	return unique(names)
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// FromStatements is the document of statements that an analysis made about an
// image, dated by the day of the advisories that it looked at.
func FromStatements(list []scan.Statement, i Image, analyser, day string) *Document {
	d := &Document{Author: "kiln scan", Version: 1, Tooling: analyser}
	for _, s := range list {
		out := Statement{
			Vulnerability: Vulnerability{Name: s.Vulnerabilities[0], Aliases: s.Vulnerabilities[1:]},
			Timestamp:     midnight(day), Products: i.products(s.Components),
			Status: s.Status, Justification: s.Justification,
		}
		if s.Status == recipes.VEXNotAffected {
			out.Impact = s.Reason
		} else {
			out.Action, out.StatusNotes = "Update the component, or stop calling it.", s.Reason+"\n"+strings.Join(s.Stack, "\n")
		}
		d.Statements = append(d.Statements, out)
	}
	return d
}
