package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func daysAgo(n int) time.Time { return now.AddDate(0, 0, -n) }

func number(n int) *int { return &n }

// whole is a policy with every rule, and good an image that is within it.
func whole() *recipes.Policy {
	return &recipes.Policy{
		Identities: []recipes.PolicyIdentity{{Key: "a.pub"}}, Statements: []string{"spdx", "provenance", "tests", "scan"},
		Builders: []string{"https://example.org/*"}, Bases: []string{"static", "registry.corp/base/*"},
		Sources: []string{"pkg:golang/*", "go:*", "local:src"}, DenyLicenses: []string{"AGPL-*", "NOASSERTION"},
		Refuse: []string{"root-user", "shell", "setuid", "end-of-life", "outdated", "outdated-security"}, MaxAge: "90d", MaxSize: "10M", MinCoverage: number(100),
		Rebuilds:        &recipes.PolicyRebuilds{Count: 2, By: make([]recipes.PolicyIdentity, 3)},
		Vulnerabilities: &recipes.PolicyVulnerabilities{},
	}
}

func good() Facts {
	return Facts{
		Signer: "sha256:a", Statements: []string{sign.PredicateSPDX, sign.PredicateProvenance, sign.PredicateTestResult, sign.PredicateScan},
		Origin: &Origin{
			Builder: "https://example.org/ci", Base: "static", Dated: daysAgo(89), EndOfLife: now,
			Sources: []string{"pkg:golang/example.org/m@v1", "go:example.org/d/@v/v1.zip", "local:src"},
		},
		SBOM:  &SBOM{Coverage: 100, Components: []Component{{"m 1", "Apache-2.0"}, {"d 1", "AGPL-3.0-only OR MIT"}}},
		Image: &Image{Created: daysAgo(3000), Size: 10_000_000}, Rebuilders: []string{"sha256:b", "sha256:c"},
		Packages: &Packages{Count: 3},
		Scan: &Scan{At: daysAgo(7), Advisories: daysAgo(7), Suppressed: 2, Vulnerabilities: []Vulnerability{
			{ID: "CVE-1", Severity: "Critical", Published: daysAgo(7)}, {ID: "CVE-2", Severity: "low", Published: daysAgo(30)},
			{ID: "CVE-3", Severity: "", Published: daysAgo(30)}, {ID: "CVE-4", Severity: "low", Published: daysAgo(1), Exploited: true},
		}},
	}
}

func failing(results []Result) (rules []string) {
	for _, r := range results {
		if !r.OK {
			rules = append(rules, r.Rule)
		}
		if r.Evidence == "" {
			rules = append(rules, r.Rule+" has no evidence")
		}
	}
	return rules
}

func TestWithinPolicy(t *testing.T) {
	results := Evaluate(whole(), good(), now)
	if rules := failing(results); rules != nil || !Passed(results) {
		t.Errorf("got %+v, want all to pass", results)
	}
	want := []string{"identities", "statements", "builders", "bases", "sources", "deny-licenses", "root-user", "shell", "setuid",
		"end-of-life", "outdated", "outdated-security", "max-age", "max-size", "min-coverage", "rebuilds", "vulnerabilities"}
	var got []string
	for _, r := range results {
		got = append(got, r.Rule)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// Each rule refuses on its own, with what it found.
func TestOutsidePolicy(t *testing.T) {
	for _, tt := range []struct {
		name string
		with func(*Facts)
		rule string
		says string
	}{
		{"nobody signed", func(f *Facts) { f.Signer, f.Unsigned = "", []string{"sha256:a: another key signed it"} }, "identities", "another key"},
		{"a statement is missing", func(f *Facts) { f.Statements = f.Statements[1:] }, "statements", sign.PredicateSPDX},
		{"tests failed", func(f *Facts) { f.TestsFailed = true }, "statements", "tests of the image failed"},
		{"another builder", func(f *Facts) { f.Origin.Builder = "https://evil.example/" }, "builders", "evil.example"},
		{"another base", func(f *Facts) { f.Origin.Base = "docker.io/x@sha256:1" }, "bases", "docker.io/x"},
		{"another source", func(f *Facts) { f.Origin.Sources = append(f.Origin.Sources, "https://evil.example/x.tar") }, "sources", "evil.example"},
		{"a source nobody named", func(f *Facts) { f.Origin.Sources = append(f.Origin.Sources, "") }, "sources", "nowhere"},
		{"no sources", func(f *Facts) { f.Origin.Sources = nil }, "sources", "says where"},
		{"a denied license", func(f *Facts) { f.SBOM.Components[0].License = "MIT AND AGPL-3.0-or-later" }, "deny-licenses", "m 1 is under AGPL-3.0-or-later"},
		{"an unknown license", func(f *Facts) { f.SBOM.Components[0].License = "" }, "deny-licenses", "NOASSERTION"},
		{"root", func(f *Facts) { f.Image.Findings = []Finding{{"root-user", "config.User", "root"}} }, "root-user", "config.User"},
		{"a shell", func(f *Facts) { f.Image.Findings = []Finding{{"shell", "/bin/sh", "it is a shell"}} }, "shell", "/bin/sh"},
		{"setuid", func(f *Facts) { f.Image.Findings = []Finding{{"setuid", "/bin/su", "it is setuid"}} }, "setuid", "/bin/su"},
		{"unsupported", func(f *Facts) { f.Origin.EndOfLife = daysAgo(1) }, "end-of-life", "ended on 2026-11-21"},
		{"unsupported for too long", func(f *Facts) { f.Origin.EndOfLife, f.Origin.Grace = daysAgo(3), 2*day }, "end-of-life", "ended on 2026-11-19"},
		{"an outdated package", func(f *Facts) { f.Packages.Newer = []Newer{{"a", "1", "2", "trixie-updates", ""}} }, "outdated", "a 1: trixie-updates has a newer"},
		{"an empty document", func(f *Facts) { f.SBOM.Components = nil }, "deny-licenses", "names nothing"},
		{"too old", func(f *Facts) { f.Origin.Dated = daysAgo(91) }, "max-age", "91 days ago"},
		{"too old by itself", func(f *Facts) { f.Origin.Dated = time.Time{} }, "max-age", "3000 days ago"},
		{"too large", func(f *Facts) { f.Image.Size++ }, "max-size", "10000001 bytes"},
		{"too little covered", func(f *Facts) { f.SBOM.Coverage = 99.99 }, "min-coverage", "99.99 %"},
		{"coverage not said", func(f *Facts) { f.SBOM.Coverage = -1 }, "min-coverage", "does not say"},
		{"too few rebuilds", func(f *Facts) { f.Rebuilders = []string{"sha256:b", "sha256:b"} }, "rebuilds", "1 of 3 builders"},
		{"a critical one out of grace", func(f *Facts) { f.Scan.Vulnerabilities[0].Published = daysAgo(8) }, "vulnerabilities", "CVE-1"},
		{"a low one out of grace", func(f *Facts) { f.Scan.Vulnerabilities[1].Published = daysAgo(31) }, "vulnerabilities", "CVE-2"},
		{"an unrated one out of grace", func(f *Facts) { f.Scan.Vulnerabilities[2].Published = daysAgo(31) }, "vulnerabilities", "CVE-3"},
		{"an exploited one out of grace", func(f *Facts) { f.Scan.Vulnerabilities[3].Published = daysAgo(2) }, "vulnerabilities", "CVE-4"},
		{"one of an unknown age", func(f *Facts) { f.Scan.Vulnerabilities[1].Published = time.Time{} }, "vulnerabilities", "unknown time"},
		{"an old scan", func(f *Facts) { f.Scan.At = daysAgo(8) }, "vulnerabilities", "scanned 8 days ago"},
		{"a scan to come", func(f *Facts) { f.Scan.At = daysAgo(-2) }, "vulnerabilities", "which is to come"},
		{"no scan", func(f *Facts) { f.Scan = nil }, "vulnerabilities", "no report of a scan"},
		{"old advisories", func(f *Facts) { f.Scan.Advisories = daysAgo(8) }, "vulnerabilities", "the newest advisory that the scan knew was changed 8 days ago"},
		{"advisories to come", func(f *Facts) { f.Scan.Advisories = daysAgo(-2) }, "vulnerabilities", "knew was changed on 2"},
		{"advisories of an unknown age", func(f *Facts) { f.Scan.Advisories = time.Time{} }, "vulnerabilities", "does not say how old"},
		{"a scan with gaps", func(f *Facts) { f.Scan.Missing = []string{"PyPI"} }, "vulnerabilities", "PyPI"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := good()
			tt.with(&f)
			results := Evaluate(whole(), f, now)
			i := slices.IndexFunc(results, func(r Result) bool { return r.Rule == tt.rule })
			if diff := cmp.Diff([]string{tt.rule}, failing(results)); diff != "" || Passed(results) {
				t.Fatalf("refused by (-want +got):\n%s", diff)
			}
			if tt.rule == "vulnerabilities" && !strings.HasPrefix(tt.says, "CVE-") && tt.says != "unknown time" && !strings.Contains(results[i].Hint, "kiln scan IMAGE") {
				t.Errorf("hint %q does not name the command", results[i].Hint)
			}
			if !strings.Contains(results[i].Evidence, tt.says) {
				t.Errorf("evidence %q does not say %q", results[i].Evidence, tt.says)
			}
		})
	}
}

// What is not known has not passed.
func TestFailsClosed(t *testing.T) {
	everything := []string{"identities", "builders", "bases", "sources", "deny-licenses", "root-user", "shell", "setuid",
		"end-of-life", "outdated", "outdated-security", "max-age", "max-size", "min-coverage", "rebuilds", "vulnerabilities"}
	if diff := cmp.Diff(everything, failing(Evaluate(whole(), Facts{}, now))); diff != "" {
		t.Errorf("no facts: refused by (-want +got):\n%s", diff)
	}
	for name, p := range map[string]*recipes.Policy{"no policy": nil, "no identity": {}} {
		if results := Evaluate(p, good(), now); Passed(results) {
			t.Errorf("%s: %+v", name, results)
		}
	}
	if Passed(nil) {
		t.Error("no rule at all has passed")
	}
	signed := &recipes.Policy{Identities: []recipes.PolicyIdentity{{Key: "a.pub"}}}
	f := good()
	f.Statements = nil
	if rules := failing(Evaluate(signed, f, now)); len(rules) != 1 || rules[0] != "statements" {
		t.Errorf("without statements, of which three are asked for by default: got %v", rules)
	}
}

func TestDenied(t *testing.T) {
	deny := []string{"GPL-3.0*", "LicenseRef-evil"}
	for expression, want := range map[string]string{
		"MIT": "", "GPL-3.0-only": "GPL-3.0-only", "gpl-3.0-only": "gpl-3.0-only", "GPL-3.0+": "GPL-3.0+",
		"MIT OR GPL-3.0-only": "", "GPL-3.0-only OR LicenseRef-evil": "GPL-3.0-only", "MIT AND GPL-3.0-only": "GPL-3.0-only",
		"MIT OR GPL-3.0-only AND BSD-3-Clause": "", "(MIT OR Apache-2.0) AND (GPL-3.0-only OR ISC)": "",
		"(MIT AND GPL-3.0-only) OR LicenseRef-evil": "GPL-3.0-only", "GPL-3.0-only WITH GCC-exception-3.1": "GPL-3.0-only",
		"": "", "NONE": "",
		"MIT AND": "an expression that cannot be read: MIT AND", "(MIT": "an expression that cannot be read: (MIT",
		"MIT ISC": "an expression that cannot be read: MIT ISC", "MIT)": "an expression that cannot be read: MIT)",
		strings.Repeat("(", 99) + "MIT" + strings.Repeat(")", 99): "an expression that cannot be read: " + strings.Repeat("(", 99) + "MIT" + strings.Repeat(")", 99),
	} {
		if got := denied(expression, deny); got != want {
			t.Errorf("%q: got %q, want %q", expression, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*b", "ab", true}, {"a*c", "abc", true}, {"a*c", "ab", false},
		{"ab*ba", "aba", false}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false}, {"*", "", true}, {"", "", true}, {"", "a", false},
		{"https://x/*", "https://x.evil/", false},
	} {
		if got := matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q and %q: got %v", tt.pattern, tt.text, got)
		}
	}
}

func FuzzDenied(f *testing.F) {
	f.Add("(MIT OR Apache-2.0) AND GPL-3.0-only WITH GCC-exception-3.1")
	f.Fuzz(func(t *testing.T, expression string) {
		if denied(expression, []string{"*"}) == "" {
			t.Errorf("%q passes a pattern that denies everything", expression)
		}
	})
}

// Every name that a policy may have for a predicate type stands for one of its
// own.
func TestStatementNames(t *testing.T) {
	names := recipes.PolicyStatements()
	types := Statements(&recipes.Policy{Statements: names})
	for i, name := range names {
		if types[i] == name || slices.Contains(types[:i], types[i]) {
			t.Errorf("%s stands for %s", name, types[i])
		}
	}
	const other = "https://example.org/review"
	if got := Statements(&recipes.Policy{Statements: []string{other}}); got[0] != other {
		t.Errorf("got %s, want %s", got[0], other)
	}
	want := []string{sign.PredicateSPDX, sign.PredicateProvenance, sign.PredicateTestResult}
	if diff := cmp.Diff(want, Statements(&recipes.Policy{})); diff != "" {
		t.Errorf("by default (-want +got):\n%s", diff)
	}
}

func TestGraceAfterEndOfLife(t *testing.T) {
	f := good()
	f.Origin.EndOfLife, f.Origin.Grace = daysAgo(2), 2*day
	if rules := failing(Evaluate(whole(), f, now)); rules != nil {
		t.Errorf("got %v", rules)
	}
}

// What the archive has newer counts by suite, and what nobody asked it for as
// if it were there.
func TestOutdated(t *testing.T) {
	both := []string{"outdated", "outdated-security"}
	for name, tt := range map[string]struct {
		packages *Packages
		want     []string
		says     string
	}{
		"nobody asked":  {nil, both, "nobody asked"},
		"no answer":     {&Packages{Unknown: "the archive is away"}, both, "the archive is away"},
		"all newest":    {&Packages{Count: 2}, nil, ""},
		"an update":     {&Packages{Count: 2, Newer: []Newer{{"a", "1", "2", "trixie", ""}}}, both[:1], "a 1: trixie has a newer version"},
		"security":      {&Packages{Count: 2, Newer: []Newer{{"a", "1", "3", "trixie-security", "trixie-security"}}}, both, "a 1: trixie-security has"},
		"security, old": {&Packages{Count: 2, Newer: []Newer{{"a", "1", "3", "trixie", "trixie-security"}}}, both, "a 1: trixie has"},
	} {
		f := good()
		f.Packages = tt.packages
		results := Evaluate(whole(), f, now)
		if diff := cmp.Diff(tt.want, failing(results)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, r := range results {
			if r.Rule == "outdated" && !strings.Contains(r.Evidence, tt.says) {
				t.Errorf("%s: evidence %q does not say %q", name, r.Evidence, tt.says)
			}
		}
	}
}
