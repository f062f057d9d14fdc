package main

import (
	"io"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/lint"
	"github.com/kiln-build/kiln/sbom/scan"
)

// auditSARIF writes a log of one run: what violates a rule as an error; and what
// no rule was about, as newer packages, vulnerabilities and an unknown origin, as
// a warning or a note.
func auditSARIF(w io.Writer, out *audit) error {
	log := &auditLog{rules: []sarifRule{}, results: []sarifResult{}, index: map[string]int{}}
	for _, i := range out.Images {
		log.add(i)
	}
	return writeSARIF(w, "kiln audit", log.rules, log.results)
}

type auditLog struct {
	rules   []sarifRule
	results []sarifResult
	index   map[string]int
}

func (l *auditLog) add(i *audited) {
	judged := map[string]bool{}
	for _, r := range i.Rules {
		judged[r.Rule] = true
		if r.OK {
			continue
		}
		text := r.Evidence
		if r.Hint != "" {
			text += "\nfix: " + r.Hint
		}
		l.say(i, r.Rule, lint.Error, text)
	}
	for _, n := range i.Packages.Newer {
		rule, level, suite := recipes.RuleOutdated, lint.Note, n.Suite
		if n.Security != "" {
			rule, level, suite = recipes.RuleOutdatedSecurity, lint.Warning, n.Security
		}
		if !judged[rule] {
			l.say(i, rule, level, n.Name+" "+n.Version+": "+suite+" has a newer version")
		}
	}
	for _, f := range i.Vulnerabilities.open() {
		if !judged["vulnerabilities"] {
			l.vulnerable(i, f)
		}
	}
	if i.Origin == nil && len(i.Unknown) > 0 {
		l.say(i, "origin", lint.Note, "what cannot be known: "+strings.Join(i.Unknown, "; "))
	}
}

// vulnerable adds a vulnerability under its own name.
func (l *auditLog) vulnerable(i *audited, f scan.Finding) {
	if _, known := l.index[f.ID]; !known {
		l.index[f.ID] = len(l.rules)
		l.rules = append(l.rules, scanRule(f))
	}
	l.say(i, f.ID, sarifLevel(f), f.Component.String()+" has "+f.ID)
}

func (l *auditLog) say(i *audited, rule string, level lint.Level, text string) {
	at, known := l.index[rule]
	if !known {
		at = len(l.rules)
		l.index[rule] = at
		l.rules = append(l.rules, sarifRule{
			ID: rule, ShortDescription: sarifText{"an image violates, or may violate, the rule " + rule},
			Help: sarifText{"`kiln audit` says what an image is, and README's section on policies what its rules are"}, DefaultConfiguration: sarifConfig{level},
		})
	}
	l.results = append(l.results, sarifResult{
		RuleID: rule, RuleIndex: at, Level: level, Message: sarifText{i.title() + ": " + text},
		Locations:    []sarifLocation{{PhysicalLocation: sarifPhysical{ArtifactLocation: sarifArtifact{fileURI(i.Reference)}}}},
		Fingerprints: map[string]string{"kilnAudit/v1": digestOf([]byte(i.Repository + "\x00" + strings.Join(i.Tags, ",") + "\x00" + i.Platform + "\x00" + rule + "\x00" + text))[:32]},
	})
}
