package vex

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	govex "github.com/openvex/go-vex/pkg/vex"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

const hexsum = "0000000000000000000000000000000000000000000000000000000000000001"

func image() Image {
	return Image{
		Name: "nats", Repository: "Registry.corp/platform/nats", Digest: "sha256:" + hexsum, Platform: "linux/amd64",
		Service: []string{"pkg:golang/github.com/nats-io/nats-server/v2@v2.15.2"},
	}
}

func statements(t *testing.T) *recipes.VEX {
	t.Helper()
	raw, err := os.ReadFile("../../recipes/testdata/vex/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := recipes.ParseVEX("recipe.vex.yaml", raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// foreign has the reference implementation read a document and check it.
func foreign(t *testing.T, text []byte) *govex.VEX {
	t.Helper()
	doc, err := govex.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range doc.Statements {
		if err := s.Validate(); err != nil {
			t.Errorf("statement %d: %v", i, err)
		}
	}
	return doc
}

// TestForeignReader: go-vex takes the document, and finds the statements under
// each of the names by which scanners know an image.
func TestForeignReader(t *testing.T) {
	text, err := FromRecipe(statements(t), image()).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	doc := foreign(t, text)
	const component = "pkg:golang/golang.org/x/text@v0.3.5"
	for _, product := range []string{
		"pkg:oci/nats@sha256:" + hexsum, "pkg:oci/nats@sha256%3A" + hexsum,
		"pkg:oci/nats@sha256%3A" + hexsum + "?arch=amd64&repository_url=registry.corp/platform/nats",
		"pkg:oci/nats@sha256:" + hexsum + "?repository_url=registry.corp%2Fplatform%2Fnats",
		"pkg:oci/nats@sha256:" + hexsum + "?arch=amd64&os=linux&repository_url=registry.corp%2Fplatform%2Fnats&tag=2.15.2",
		"Registry.corp/platform/nats@sha256:" + hexsum, "sha256:" + hexsum,
		"pkg:golang/github.com/nats-io/nats-server/v2@v2.15.2",
	} {
		if got := doc.Matches("GO-2022-1059", product, []string{component}); len(got) != 1 || got[0].Status != govex.StatusNotAffected {
			t.Errorf("%s: got %v, want one statement", product, got)
		}
		if got := doc.Matches("GO-2022-1059", product, []string{"pkg:golang/golang.org/x/net@v0.3.5"}); len(got) != 0 {
			t.Errorf("%s: got %v about another component", product, got)
		}
	}
	other := strings.Replace(hexsum, "1", "2", 1)
	for _, product := range []string{"pkg:oci/nats@sha256:" + other, "sha256:" + other, "pkg:oci/redis@sha256:" + hexsum} {
		if got := doc.Matches("GO-2022-1059", product, []string{component}); len(got) != 0 {
			t.Errorf("%s: got %v, want nothing about another image", product, got)
		}
	}
}

// TestOwnReader: kiln reads what it writes, as people said it.
func TestOwnReader(t *testing.T) {
	v := statements(t)
	text, err := FromRecipe(v, image()).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	got := d.About(image().Products(), "attached")
	want := Statements(v)
	for i := range want {
		want[i].From = "attached"
		want[i].Components = slices.Sorted(slices.Values(want[i].Components))
	}
	byName := func(a, b scan.Statement) int { return strings.Compare(a.Vulnerabilities[0], b.Vulnerabilities[0]) }
	slices.SortStableFunc(want, byName)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := d.About([]string{"sha256:" + strings.Replace(hexsum, "1", "2", 1)}, "attached"); len(got) != 0 {
		t.Errorf("got %v about another image", got)
	}
	for range 25 {
		again, err := FromRecipe(v, image()).Marshal()
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("the same statements give another document: %v", err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "cannot unmarshal", `{"@context": "https://example.com"}`: "none of OpenVEX 0.2",
		`{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "fine"}]}`:         `unknown status "fine"`,
		`{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {}, "status": "fixed"}]}`:                       "names no vulnerability",
		`{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "not_affected"}]}`: "says not why",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// TestAboutUnknownComponent: a statement about a component that cannot be told
// is about none, and not about all.
func TestAboutUnknownComponent(t *testing.T) {
	for subcomponents, want := range map[string]int{`[]`: 1, `[{"@id": "pkg:npm/a"}]`: 1, `[{}]`: 0, `[{"hashes": {"sha-512": "00"}}]`: 0} {
		d, err := Read([]byte(`{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "fixed",
			"products": [{"@id": "sha256:` + hexsum + `", "subcomponents": ` + subcomponents + `}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, products := range [][]string{nil, image().Products()} {
			if got := d.About(products, "here"); len(got) != want {
				t.Errorf("%s: got %+v, want %d statements", subcomponents, got, want)
			}
		}
	}
}

func TestNewest(t *testing.T) {
	a1, a2 := &Document{Author: "a", Version: 1, Timestamp: "2026-12-01"}, &Document{Author: "a", Version: 2, Timestamp: "2026-11-01"}
	b := &Document{Author: "b", Version: 1}
	if diff := cmp.Diff([]*Document{a2, b}, Newest([]*Document{a1, b, a2})); diff != "" {
		t.Error(diff)
	}
}

// TestFromReach: only what was looked for, and is not called, is not affected.
func TestFromReach(t *testing.T) {
	finding := func(id, ecosystem string, symbols []osv.Symbol, aliases ...string) scan.Finding {
		return scan.Finding{ID: id, Aliases: aliases, Symbols: symbols, Component: scan.Component{
			Ecosystem: ecosystem, Name: "golang.org/x/text", Version: "0.3.5", PURLs: []string{"pkg:golang/golang.org/x/text@v0.3.5"},
		}}
	}
	code := []osv.Symbol{{Path: "golang.org/x/text/language", Names: []string{"Parse", "MatchStrings"}}}
	a := &recipes.Analysis{Analyser: "govulncheck v1", Go: "go1.27.4", Programs: []string{"/usr/bin/x"}, Reaches: []recipes.Reach{
		{Advisory: "GO-1", Module: "golang.org/x/text", Level: recipes.ReachCalled, Stack: []string{"main.main main.go:3:1", "golang.org/x/text/language.Parse"}},
		{Advisory: "GO-2", Module: "golang.org/x/text", Level: recipes.ReachImported},
		{Advisory: "GO-3", Module: "golang.org/x/text", Level: recipes.ReachRequired},
		{Advisory: "GO-4", Module: "golang.org/x/text", Level: recipes.ReachImported},
		{Advisory: "GO-6", Module: "golang.org/x/net", Level: recipes.ReachImported},
		{Advisory: "GO-8", Module: "golang.org/x/text", Level: recipes.ReachImported},
	}}
	got := FromReach(a, []scan.Finding{
		finding("GO-1", "Go", code), finding("GO-2", "Go", code, "CVE-2"), finding("GO-3", "Go", code),
		finding("GO-4", "Go", nil),          // names no code
		finding("GO-5", "Go", code),         // was not looked at
		finding("GO-6", "Go", code),         // another module
		finding("GHSA-7", "Go", code),       // none of the database that was looked at
		finding("GO-8", "Go", code, "GO-9"), // the other was not looked at
		finding("GO-2", "npm", code),        // no module
	})
	for i := range got {
		got[i].Components = nil
	}
	const by = ": govulncheck v1, with go1.27.4, of /usr/bin/x"
	want := []scan.Statement{
		{Vulnerabilities: []string{"GO-1"}, Status: "affected", Reason: "vulnerable code is called" + by, From: fromAnalysis, Stack: a.Reaches[0].Stack},
		{Vulnerabilities: []string{"GO-2"}, Status: "not_affected", Justification: notExecuted, From: fromAnalysis,
			Reason: "no call of golang.org/x/text/language.MatchStrings, golang.org/x/text/language.Parse" + by},
		{Vulnerabilities: []string{"GO-3"}, Status: "not_affected", Justification: notPresent, Reason: "not linked with golang.org/x/text/language" + by, From: fromAnalysis},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := FromStatements(got, image(), "govulncheck v1", "2026-11-01").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if doc := foreign(t, text); len(doc.Statements) != 3 {
		t.Errorf("got %d statements, want 3", len(doc.Statements))
	}
}
