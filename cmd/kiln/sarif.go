package main

import (
	"io"
	"net/url"
	"path/filepath"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/lint"
)

// What of SARIF 2.1.0 kiln writes (OASIS sarif-v2.1.0, sections 3.13 to 3.50).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string           `json:"id"`
		ShortDescription     sarifText        `json:"shortDescription"`
		Help                 sarifText        `json:"help"`
		DefaultConfiguration sarifConfig      `json:"defaultConfiguration"`
		HelpURI              string           `json:"helpUri,omitempty"`
		Properties           *sarifProperties `json:"properties,omitempty"`
	}
	// sarifProperties are those that GitHub's code scanning reads.
	sarifProperties struct {
		Tags     []string `json:"tags"`
		Severity string   `json:"security-severity,omitempty"`
	}
	sarifConfig struct {
		Level lint.Level `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        lint.Level         `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		Logical          []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// lintSARIF writes findings as a SARIF log of one run.
func lintSARIF(w io.Writer, found []lint.Finding) error {
	rules, results := []sarifRule{}, []sarifResult{}
	index := map[string]int{}
	for i, r := range lint.Rules() {
		index[r.ID] = i
		rules = append(rules, sarifRule{
			ID: r.ID, ShortDescription: sarifText{r.Text}, Help: sarifText{r.Fix}, DefaultConfiguration: sarifConfig{r.Level},
		})
	}
	for _, f := range found {
		text := f.Msg
		if f.Hint != "" {
			text += "\nfix: " + f.Hint
		}
		results = append(results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: f.Level,
			Message: sarifText{text}, Locations: []sarifLocation{{PhysicalLocation: place(f.Problem)}},
		})
	}
	return writeSARIF(w, "kiln lint", rules, results)
}

// writeSARIF writes a log of one run of a command. Neither list is nil, which
// JSON would have as null.
func writeSARIF(w io.Writer, command string, rules []sarifRule, results []sarifResult) error {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: command, Version: version(), InformationURI: "https://github.com/kiln-build/kiln", Rules: rules,
		}},
		ColumnKind: "unicodeCodePoints", Results: results,
	}
	return printJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// place is where a problem is, with the file as a relative URI where it was
// named by a relative path.
func place(p recipes.Problem) sarifPhysical {
	loc := sarifPhysical{ArtifactLocation: sarifArtifact{fileURI(p.File)}}
	if p.Pos.Line > 0 {
		loc.Region = &sarifRegion{p.Pos.Line, p.Pos.Col}
	}
	return loc
}

func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}
