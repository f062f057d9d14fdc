package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/kiln-build/kiln/recipes/lint"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

// scanSARIF writes the findings as a SARIF log of one run, with a rule for each
// vulnerability. What is suppressed is there with its suppression.
func scanSARIF(w io.Writer, all []*scanned) error {
	rules, results := []sarifRule{}, []sarifResult{}
	index := map[string]int{}
	for _, s := range all {
		for _, f := range s.Findings {
			if _, known := index[f.ID]; !known {
				index[f.ID] = len(rules)
				rules = append(rules, scanRule(f))
			}
			results = append(results, s.sarif(f, index[f.ID]))
		}
	}
	return writeSARIF(w, "kiln scan", rules, results)
}

func scanRule(f scan.Finding) sarifRule {
	r := sarifRule{
		ID: f.ID, ShortDescription: sarifText{cmp.Or(f.Summary, f.ID)}, Help: sarifText{f.URL},
		DefaultConfiguration: sarifConfig{sarifLevel(f)}, HelpURI: f.URL,
		Properties: &sarifProperties{Tags: append([]string{"security"}, f.Aliases...)},
	}
	if f.Severity.Score > 0 {
		r.Properties.Severity = fmt.Sprintf("%.1f", f.Severity.Score)
	}
	return r
}

func (s *scanned) sarif(f scan.Finding, rule int) sarifResult {
	text := fmt.Sprintf("%s %s has %s", f.Component.Name, f.Component.Version, f.ID)
	if f.Summary != "" {
		text += ": " + f.Summary
	}
	if f.Fixed != "" {
		text += "\nfix: " + f.Fixed
	}
	location := sarifLocation{PhysicalLocation: sarifPhysical{ArtifactLocation: sarifArtifact{fileURI(cmp.Or(s.file, s.Target))}}}
	for _, purl := range f.Component.PURLs {
		location.Logical = append(location.Logical, sarifLogical{Name: f.Component.Name, Full: purl, Kind: "module"})
	}
	r := sarifResult{
		RuleID: f.ID, RuleIndex: rule, Level: sarifLevel(f), Message: sarifText{text}, Locations: []sarifLocation{location},
		Fingerprints: map[string]string{"kilnFinding/v1": fingerprint(s.Platform, f)},
	}
	if f.Suppressed != nil {
		r.Suppressions = []sarifSuppression{{Kind: "external", Justification: remark(*f.Suppressed)}}
	}
	return r
}

// fingerprint tells a finding from others, whatever image it is in.
func fingerprint(platform string, f scan.Finding) string {
	return digestOf([]byte(platform + "\x00" + f.ID + "\x00" + f.Component.Ecosystem + "\x00" + f.Component.Name))[:32]
}

func sarifLevel(f scan.Finding) lint.Level {
	switch f.Severity.Level {
	case osv.Critical, osv.High:
		return lint.Error
	case osv.Low, osv.None:
		return lint.Note
	}
	return lint.Warning
}
