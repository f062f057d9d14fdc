package scan

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
)

func find(t *testing.T, db *osv.Database, in Inventory) *Result {
	t.Helper()
	r, err := Find(db, in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are the findings in short.
func lines(r *Result) []string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, strings.TrimSpace(strings.Join([]string{string(f.Severity.Level), f.ID, f.Component.String(), f.Fixed}, " ")))
	}
	return list
}

// TestFind matches one package of each ecosystem.
func TestFind(t *testing.T) {
	db := database(t, map[string][]string{
		"Go":        {record("GO-1", "Go", "example.com/Net", "1.2.0", "")},
		"npm":       {record("GHSA-1", "npm", "@corp/left", "2.0.0", ""), record("GHSA-2", "npm", "left", "9.0.0", "")},
		"crates.io": {record("RUSTSEC-1", "crates.io", "serde", "1.0.9", "")},
		"PyPI":      {record("PYSEC-1", "PyPI", "typing-extensions", "4.1", "")},
		"Maven":     {record("GHSA-3", "Maven", "org.apache:log4j", "2.15.0", "")},
		"Debian": {
			record("DSA-1", "Debian:13", "openssl", "3.5.4-1~deb13u2", ""),
			record("DSA-2", "Debian:12", "openssl", "9", ""),
			record("DSA-3", "Debian:13", "libssl3t64", "9", ""),
		},
	})
	r := find(t, db, inventory(
		"pkg:golang/example.com/net@v1.1.9", "pkg:npm/%40corp/left@1.9.9", "pkg:cargo/serde@1.0.8",
		"pkg:pypi/Typing_Extensions@4.0.1", "pkg:maven/org.apache/log4j@2.14.1",
		"pkg:deb/debian/libssl3t64@3.5.4-1~deb13u1?arch=amd64&distro=debian-13&upstream=openssl",
		"pkg:deb/debian/openssl-provider@3.5.4-1~deb13u1%2Bb1?arch=amd64&distro=debian-13&upstream=openssl%403.5.4-1~deb13u1",
	))
	want := []string{
		"unknown DSA-1 openssl 3.5.4-1~deb13u1 3.5.4-1~deb13u2",
		"unknown GO-1 example.com/net 1.1.9 1.2.0",
		"unknown GHSA-3 org.apache:log4j 2.14.1 2.15.0",
		"unknown PYSEC-1 Typing_Extensions 4.0.1 4.1",
		"unknown RUSTSEC-1 serde 1.0.8 1.0.9",
		"unknown GHSA-1 @corp/left 1.9.9 2.0.0",
	}
	got := lines(r)
	for i := range got { // the library has names of this type in one case
		got[i] = strings.ReplaceAll(got[i], "typing-extensions", "Typing_Extensions")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := r.Findings[0].Component; len(c.PURLs) != 2 {
		t.Errorf("both binary packages must be named: %v", c.PURLs)
	}
	if len(r.Missing) != 0 || len(r.Databases) != 6 || r.Complete("x") != nil {
		t.Errorf("got %v missing, %v", r.Missing, r.Databases)
	}
	// The versions that fix are free of findings.
	if r := find(t, db, inventory("pkg:golang/example.com/net@v1.2.0", "pkg:deb/debian/openssl@3.5.4-1~deb13u2?distro=debian-13")); len(r.Findings) != 0 {
		t.Errorf("got %v, want nothing", lines(r))
	}
}

// TestFindMissing: what the database lacks is named, and so is what has no
// ecosystem, no release or no version.
func TestFindMissing(t *testing.T) {
	db := database(t, map[string][]string{
		"Go": {record("GO-1", "Go", "a.example/a", "1.0.0", "")}, "Debian": {record("DSA-1", "Debian:12", "openssl", "9", "")},
	})
	r := find(t, db, inventory(
		"pkg:golang/a.example/a@v0.1.0", "pkg:npm/left@1.0.0", "pkg:deb/debian/openssl@3.5?distro=debian-13",
		"pkg:oci/nats@sha256:00?arch=amd64", "pkg:deb/ubuntu/openssl@3?distro=ubuntu-24.04", "pkg:deb/debian/openssl@3",
		"pkg:deb/debian/openssl@3?distro=debian-sid", "pkg:golang/a.example/b", "no purl",
		"pkg:deb/debian/openssl@x:3?distro=debian-12",
	))
	if diff := cmp.Diff([]string{"Debian:13", "npm"}, r.Missing); diff != "" {
		t.Error(diff)
	}
	var incomplete *IncompleteError
	if err := r.Complete("db"); !errors.As(err, &incomplete) || !strings.Contains(err.Error(), "db has no advisories for Debian:13, npm") {
		t.Errorf("got %v, want *IncompleteError", err)
	}
	if diff := cmp.Diff([]string{"unknown GO-1 a.example/a 0.1.0 1.0.0"}, lines(r)); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, u := range r.Unmatched {
		reasons = append(reasons, u.Reason)
	}
	for _, want := range []string{
		"there are no advisories for packages of the type oci", "there are no advisories for packages of ubuntu",
		"its package URL has no distro, so that its release is not known", "there are no advisories for debian-sid, which is no release",
		"it has no version", "its package URL cannot be read", `reading version "x:3" of Debian:12`,
	} {
		if !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("nothing says %q: %q", want, reasons)
		}
	}
}

// TestMerge: advisories that share a name are one finding, with the worst
// severity, and it goes by the ecosystem's own id.
func TestMerge(t *testing.T) {
	const vector = `"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]`
	db := database(t, map[string][]string{"Go": {
		record("GHSA-a", "Go", "a.example/a", "1.0.0", `"aliases": ["CVE-1"], `+vector),
		record("GO-9", "Go", "a.example/a", "1.0.0", `"aliases": ["CVE-1"]`),
		record("GHSA-b", "Go", "a.example/a", "1.1.0", `"aliases": ["CVE-2"], "database_specific": {"severity": "LOW"}`),
		record("CVE-3", "Go", "a.example/a", "1.0.0", `"aliases": ["CVE-4"]`),
		record("CVE-5", "Go", "a.example/a", "1.0.0", `"aliases": ["CVE-4", "CVE-6"]`),
		record("OTHER-1", "Go", "a.example/a", "1.0.0", `"upstream": ["CVE-6"]`),
		record("OTHER-2", "Go", "a.example/a", "1.0.0", `"upstream": ["CVE-1", "CVE-6"]`),
	}})
	r := find(t, db, inventory("pkg:golang/a.example/a@v0.1.0"))
	want := []string{
		"high GO-9 a.example/a 0.1.0 1.0.0", "unknown CVE-3 a.example/a 0.1.0 1.0.0",
		"unknown OTHER-2 a.example/a 0.1.0 1.0.0", "low GHSA-b a.example/a 0.1.0 1.1.0",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"CVE-1", "GHSA-a"}, r.Findings[0].Aliases); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"CVE-4", "CVE-5", "CVE-6", "OTHER-1"}, r.Findings[1].Aliases); diff != "" {
		t.Error(diff)
	}
	if got := r.Worst(osv.High); len(got) != 3 {
		t.Errorf("got %d at or above high, want that one and the unknown two", len(got))
	}
}

func TestApply(t *testing.T) {
	db := database(t, map[string][]string{"Go": {
		record("GO-1", "Go", "a.example/a", "1.0.0", `"aliases": ["CVE-1"]`), record("GO-2", "Go", "a.example/a", "1.0.0", ""),
		record("GO-3", "Go", "a.example/a", "1.0.0", ""), record("GO-4", "Go", "a.example/a", "1.0.0", ""),
		record("GO-5", "Go", "a.example/a", "1.0.0", ""), record("GO-6", "Go", "a.example/a", "1.0.0", ""),
	}})
	r := find(t, db, inventory("pkg:golang/a.example/a@v0.1.0"))
	not := func(id, components, date, expires string) Statement {
		s := Statement{Vulnerabilities: []string{id}, Status: recipes.VEXNotAffected, Date: date, Expires: expires}
		if components != "" {
			s.Components = []string{components}
		}
		return s
	}
	newer := not("GO-6", "", "2026-02-02", "2026-11-22")
	newer.Status = recipes.VEXAffected
	r.Apply([]Statement{
		not("CVE-1", "pkg:golang/a.example/a", "2026-01-01", "2026-11-22"), // by an alias, on its last day
		not("GO-2", "", "2026-01-01", "2026-11-21"),                        // expired
		not("GO-3", "pkg:golang/a.example/a@v0.2.0", "2026-01-01", ""),     // another version
		not("GO-4", "pkg:golang/a.example/b", "2026-01-01", ""),            // another component
		not("GO-5", "pkg:golang/a.example/a@v0.1.0", "2026-01-01", ""),
		newer, not("GO-6", "", "2026-02-01", ""), // the newer decides
	}, "2026-11-22")
	var suppressed []string
	for _, f := range r.Findings {
		if f.Suppressed != nil {
			suppressed = append(suppressed, f.ID)
		}
	}
	if diff := cmp.Diff([]string{"GO-1", "GO-5"}, suppressed); diff != "" {
		t.Errorf("suppressed (-want +got):\n%s", diff)
	}
	if got := r.Findings[1].Statements; len(got) != 1 || !got[0].Expired {
		t.Errorf("the expired statement must be shown as such: %+v", got)
	}
	if got := len(r.Worst(osv.Low)); got != 4 {
		t.Errorf("%d findings count, want 4", got)
	}
}

// TestStandsFor: a statement about a Debian source package is about no package
// of another ecosystem, distribution or release, and not about a binary one.
func TestStandsFor(t *testing.T) {
	in := inventory("pkg:deb/debian/libssl3t64@3.5.4-1?arch=amd64&distro=debian-13&upstream=openssl", "pkg:npm/openssl@3.5.4-1")
	for purl, want := range map[string][]bool{
		"pkg:deb/debian/openssl": {true, false}, "pkg:deb/debian/openssl@3.5.4-1?arch=source&distro=debian-13": {true, false},
		"pkg:deb/debian/libssl3t64?arch=amd64": {true, false}, "pkg:npm/openssl": {false, true},
		"pkg:deb/debian/openssl@3.5.4-2": {false, false}, "pkg:deb/ubuntu/openssl": {false, false},
		"pkg:deb/debian/openssl?distro=debian-12": {false, false}, "pkg:deb/debian/openssl?arch=amd64": {false, false},
	} {
		got := []bool{in.Components[0].is(purl), in.Components[1].is(purl)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", purl, diff)
		}
	}
}

// TestReadDocument: what only built the software is not scanned.
func TestReadDocument(t *testing.T) {
	pkg := func(id, purl string) string {
		return `{"SPDXID": "` + id + `", "name": "` + id + `", "externalRefs": [{"referenceType": "purl", "referenceLocator": "` + purl + `"}]}`
	}
	doc := `{"spdxVersion": "SPDX-2.3", "packages": [` + strings.Join([]string{
		pkg("service", "pkg:golang/a.example/service@v1.0.0"), pkg("lib", "pkg:golang/a.example/lib@v1.0.0"),
		pkg("gcc", "pkg:deb/debian/gcc-14@14?distro=debian-13"), pkg("gcc-source", "pkg:deb/debian/gcc-14-src@14?distro=debian-13&arch=source"),
		pkg("libc", "pkg:deb/debian/libc6@2.41?distro=debian-13&upstream=glibc"), pkg("glibc", "pkg:deb/debian/glibc@2.41?distro=debian-13&arch=source"),
		pkg("both", "pkg:npm/both@1.0.0"), pkg("loose", "pkg:npm/loose@1.0.0"), `{"SPDXID": "bare", "name": "bare", "versionInfo": "1"}`,
	}, ",") + `], "relationships": [
		{"spdxElementId": "gcc", "relationshipType": "BUILD_TOOL_OF", "relatedSpdxElement": "service"},
		{"spdxElementId": "gcc", "relationshipType": "GENERATED_FROM", "relatedSpdxElement": "gcc-source"},
		{"spdxElementId": "libc", "relationshipType": "GENERATED_FROM", "relatedSpdxElement": "glibc"},
		{"spdxElementId": "image", "relationshipType": "CONTAINS", "relatedSpdxElement": "libc"},
		{"spdxElementId": "both", "relationshipType": "BUILD_DEPENDENCY_OF", "relatedSpdxElement": "service"},
		{"spdxElementId": "image", "relationshipType": "CONTAINS", "relatedSpdxElement": "both"},
		{"spdxElementId": "service", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "lib"}]}`
	in, err := ReadDocument([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range in.Components {
		got = append(got, c.String())
	}
	want := []string{"glibc 2.41", "a.example/lib 1.0.0", "a.example/service 1.0.0", "both 1.0.0", "loose 1.0.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Unmatched{{"bare 1", "it has no package URL"}}, in.Unmatched); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []string{`{}`, `{"spdxVersion": "SPDX-3.0"}`, `[]`, `{"bomFormat": "CycloneDX"}`, ``} {
		if _, err := ReadDocument([]byte(wrong)); err == nil {
			t.Errorf("%s must be refused", wrong)
		}
	}
}

// TestOutside: sources of sources of tools are none of the software, in
// whatever order they are said; what only comes from itself may be.
func TestOutside(t *testing.T) {
	all := []relationship{
		{"tool", "BUILD_TOOL_OF", "service"}, {"tool", "GENERATED_FROM", "a"}, {"a", "GENERATED_FROM", "b"}, {"c", "GENERATES", "b"},
		{"a", "GENERATED_FROM", "shared"}, {"service", "GENERATED_FROM", "shared"}, {"a", "GENERATED_FROM", "part"}, {"part", "DEPENDENCY_OF", "service"},
		{"part", "GENERATED_FROM", "kept"}, {"round", "GENERATED_FROM", "trip"}, {"trip", "GENERATED_FROM", "round"},
	}
	want := map[string]bool{"tool": true, "a": true, "b": true, "c": true}
	for range 25 {
		slices.Reverse(all)
		if diff := cmp.Diff(want, outside(all)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// TestReal scans a service with an old module against the real database.
func TestReal(t *testing.T) {
	db, err := osv.Open("../../../shared/osv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there are no advisories beside the project, in ../shared/osv")
	}
	if err != nil {
		t.Fatal(err)
	}
	in := inventory("pkg:golang/golang.org/x/text@v0.3.5", "pkg:golang/stdlib@1.27.4", "pkg:golang/stdlib@1.27rc2", "pkg:golang/github.com/masterminds/goutils@v1.1.0")
	r := find(t, db, in)
	want := []string{
		"unknown GO-2021-0113 golang.org/x/text 0.3.5 0.3.7", "unknown GO-2022-1059 golang.org/x/text 0.3.5 0.3.8",
		"unknown GO-2026-5970 golang.org/x/text 0.3.5 0.39.0",
	}
	var got []string
	for _, l := range lines(r) {
		if strings.Contains(l, "x/text") {
			got = append(got, l)
		}
		if strings.Contains(l, "1.27.4") {
			t.Errorf("Go 1.27.4 has all fixes: %s", l)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, l := range []string{"goutils 1.1.0", "stdlib 1.27.0-rc.2"} {
		if !strings.Contains(strings.Join(lines(r), "\n"), l) {
			t.Errorf("nothing about %s: %q", l, lines(r))
		}
	}
	first, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		slices.Reverse(in.Components)
		again, err := json.Marshal(find(t, db, in))
		if err != nil || string(again) != string(first) {
			t.Fatalf("the same input gives another result: %v", err)
		}
	}
}
