package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign/policy"
)

func TestNewestFirst(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	made := func(hex, version, variant string, n int, tags ...string) *pageRelease {
		return &pageRelease{Hash: v1.Hash{Algorithm: "sha256", Hex: hex}, Release: site.Release{Version: version, Variant: variant, Built: day(n), Tags: tags}}
	}
	old, now := made("a", "1.9.0", "", 9, "1.9", "1.9.0"), made("b", "1.10.0", "", 2, "1.10", "1", "1.10.0", "latest")
	rebuilt, debug := made("c", "1.10.0", "", 5, "1.10.0-20261105"), made("d", "1.10.0", "debug", 5, "1.10.0-debug")
	nameless := made("e", "", "", 1, "0.1")
	list := newestFirst([]*pageRelease{old, nameless, debug, now, rebuilt})
	if diff := cmp.Diff([]*pageRelease{rebuilt, debug, now, old, nameless}, list, cmp.Comparer(func(a, b *pageRelease) bool { return a == b })); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1.10.0", "latest", "1.10", "1"}, now.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if nameless.Version != "0.1" {
		t.Errorf("without a version it is called %q, want its tag", nameless.Version)
	}
	if got := chooseRelease(list, &recipes.Recipe{Version: "1.10.0"}); got != now {
		t.Errorf("the one with the recipe's tag is not chosen, but %v", got.Tags)
	}
	if got := chooseRelease(list, &recipes.Recipe{Version: "2.0.0"}); got != rebuilt {
		t.Errorf("without that tag the newest is not chosen, but %v", got.Tags)
	}
	if got := before(list, now); got != old {
		t.Error("before 1.10.0 came not 1.9.0")
	}
	if got := before(list, nameless); got != nil {
		t.Error("before the first came one")
	}
	if chooseRelease(nil, &recipes.Recipe{Version: "1"}) != nil {
		t.Error("of none one is chosen")
	}
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{
		"registry.corp/x@sha256:ab": "registry.corp/x@sha256:ab", "a b": "'a b'", "": "''", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "a;b": "'a;b'", `^https://.*\.corp$`: `'^https://.*\.corp$'`,
	} {
		if got := word(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestJudgeLife(t *testing.T) {
	config := &recipes.Config{Catalog: &recipes.CatalogConfig{EOL: recipes.CatalogEOL{Grace: "30d"}}}
	s := &siteFacts{catalog: &recipes.Catalog{Config: config}, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	for eol, want := range map[string]site.Level{
		"": "", "2028-01-01": "", "2027-02-19": site.Attention, "2026-11-22": site.Attention, "2026-11-21": site.Attention, "2026-10-24": site.Attention, "2026-10-21": site.Bad, "soon": "",
	} {
		var v site.Verdict
		s.judgeLife(&v, eol)
		if v.Level != want {
			t.Errorf("%q: got %q, want %q", eol, v.Level, want)
		}
	}
}

func TestUnseen(t *testing.T) {
	p := &pageScan{report: &scan.Reported{Sources: []string{"Go"}}, inventory: scan.Inventory{Components: []scan.Component{
		{Ecosystem: "npm", Name: "a"}, {Ecosystem: "Go", Name: "b"}, {Ecosystem: "Debian:13", Name: "c"}, {Ecosystem: "npm", Name: "d"},
	}}}
	if diff := cmp.Diff([]string{"Debian:13", "npm"}, unseen(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.report.Sources = nil // another scanner's
	if got := unseen(p); got != nil {
		t.Errorf("of a report that does not say what was looked at, got %v", got)
	}
}

func TestNoteAudit(t *testing.T) {
	var audit site.Audit
	top := &audited{Rules: []policy.Result{{Rule: "identities", OK: true, Evidence: "signed by x"}}}
	arm := &audited{
		Platform: "linux/arm64", ListedBy: []string{"sha256:a"}, Unknown: []string{"its base"},
		Rules:    []policy.Result{{Rule: "identities", OK: true, Evidence: "signed by x"}, {Rule: "max-age", Evidence: "100 days", Hint: "build it"}},
		Packages: auditedPackages{Newer: []policy.Newer{{Name: "libc6", Version: "1", Available: "2", Suite: "trixie-security", Security: "2"}}},
	}
	for _, x := range []*audited{top, arm, arm} {
		noteAudit(&audit, x)
	}
	want := site.Audit{
		Rules:   []site.Rule{{Name: "identities", Evidence: "signed by x", OK: true}, {Name: "max-age", Evidence: "linux/arm64: 100 days", Hint: "build it"}},
		Newer:   []site.Newer{{Name: "libc6", Version: "1", Available: "2", Suite: "trixie-security", Security: "2"}},
		Unknown: []string{"its base"},
	}
	if diff := cmp.Diff(want, audit); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var v site.Verdict
	judgeAudit(&v, &audit)
	judgeAudit(&v, nil)
	wanted := []site.Reason{
		{Level: site.Bad, Text: "The policy's rule max-age refuses it: linux/arm64: 100 days"}, {Level: site.Attention, Text: "It lacks security updates of 1 package."},
	}
	if diff := cmp.Diff(wanted, v.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestJoinScans(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	statement := &site.Statement{Status: "not_affected"}
	amd := site.Scan{At: day.AddDate(0, 0, 2), Missing: []string{"Go"}, Findings: []site.Finding{{ID: "A", Severity: "low"}, {ID: "B", Severity: "high", Suppressed: statement}}}
	arm := site.Scan{At: day, Missing: []string{"Debian:13", "Go"}, Findings: []site.Finding{{ID: "A", Severity: "low"}, {ID: "B", Severity: "high"}}}
	want := site.Scan{At: day, Missing: []string{"Debian:13", "Go"}, Unmatched: []string{}, Findings: []site.Finding{
		{ID: "B", Severity: "high", Suppressed: statement}, {ID: "B", Severity: "high"}, {ID: "A", Severity: "low"},
	}}
	got := joinScans(joinScans(site.Scan{}, amd, true), arm, false)
	if got.Unmatched == nil {
		got.Unmatched = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	unknown := site.Scan{Why: "no report"}
	if got := joinScans(amd, unknown, false); got.Why != "no report" || len(got.Findings) > 0 {
		t.Error("where nothing is known of one platform, something is said of all")
	}
}
