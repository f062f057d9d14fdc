package scan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/sbom/osv"
)

var scanned = time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)

// scanOf is the result of a scan in which everything occurs.
func scanOf(t *testing.T) *Result {
	t.Helper()
	db := database(t, map[string][]string{
		"Go": {
			record("GO-1", "Go", "example.com/net", "1.2.0", `"aliases": ["CVE-1"], "published": "2026-10-02T00:00:00Z", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]`),
			record("GHSA-1", "Go", "example.com/net", "1.2.0", `"aliases": ["CVE-1"], "published": "2026-10-01T02:00:00+02:00"`),
			record("GO-2", "Go", "example.com/net", "1.3.0", `"aliases": ["CVE-2"], "published": "0001-01-01T00:00:00Z"`),
		},
	})
	return find(t, db, inventory("pkg:golang/example.com/net@v1.1.0"))
}

func write(t *testing.T, results ...*Result) []byte {
	t.Helper()
	text, err := Report(ReportInput{Kiln: "1.0", Started: scanned.Add(-time.Second), Finished: scanned, Results: results})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReport: what is written is what in-toto's own schema knows, without a
// field more, and reads as it was.
func TestReport(t *testing.T) {
	r := scanOf(t)
	text := write(t, r)
	var theirs vulns.Vulns
	if err := protojson.Unmarshal(text, &theirs); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := theirs.GetScanner().GetResult(); len(got) != 2 || got[0].GetId() != "GO-1" || got[0].GetSeverity()[1].GetScore() != "7.5" {
		t.Errorf("in-toto reads %v", got)
	}
	if got := theirs.GetMetadata().GetScanFinishedOn().AsTime(); !got.Equal(scanned) {
		t.Errorf("in-toto reads that it was done at %v, want %v", got, scanned)
	}
	got, err := ReadReport(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Reported{At: scanned, Advisories: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Sources: []string{"Go"}}
	for _, f := range r.Findings {
		f.Summary = ""
		want.Findings = append(want.Findings, f)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	if got.Findings[0].Published != "2026-10-01T00:00:00Z" || got.Findings[1].Published != "" {
		t.Errorf("published %q and %q, want the first of the advisories, and nothing", got.Findings[0].Published, got.Findings[1].Published)
	}
	for range 25 {
		if again := write(t, scanOf(t), scanOf(t)); string(again) != string(text) {
			t.Fatalf("two images with the same in them, or another run, give\n%s\nwant\n%s", again, text)
		}
	}
}

// TestReportRefused: what could not look for everything is no report.
func TestReportRefused(t *testing.T) {
	db := database(t, map[string][]string{"Go": {record("GO-1", "Go", "example.com/net", "1.2.0", "")}})
	r := find(t, db, inventory("pkg:golang/example.com/net@v1.1.0", "pkg:npm/left-pad@1.0.0"))
	var incomplete *IncompleteError
	if text, err := Report(ReportInput{Finished: scanned, Results: []*Result{r}}); !errors.As(err, &incomplete) || !strings.Contains(err.Error(), "npm") {
		t.Errorf("got %s, %v; want an error about npm", text, err)
	}
	if _, err := Report(ReportInput{Results: []*Result{scanOf(t)}}); err == nil {
		t.Error("a report without a time must be refused")
	}
	if _, err := Report(ReportInput{Finished: scanned}); err == nil {
		t.Error("a report of nothing must be refused")
	}
}

// TestExploited: what is in the catalog is marked, by any of its names, and
// the report says that the catalog was looked at.
func TestExploited(t *testing.T) {
	records := map[string][]string{
		"Go": {record("GO-1", "Go", "example.com/net", "1.2.0", `"aliases": ["CVE-1"]`), record("GO-2", "Go", "example.com/net", "1.2.0", `"aliases": ["CVE-2"]`)},
	}
	for _, tt := range []struct {
		name, catalog string
		exploited     []bool
	}{
		{"no catalog", "", []bool{false, false}},
		{"one of them", `{"dateReleased": "2026-11-02T10:00:00.5Z", "vulnerabilities": [{"cveID": "CVE-2"}]}`, []bool{false, true}},
		{"none of them", `{"dateReleased": "2026-11-02T10:00:00.5Z", "vulnerabilities": [{"cveID": "CVE-3"}]}`, []bool{false, false}},
	} {
		if tt.catalog != "" {
			records[catalog] = []string{tt.catalog}
		}
		r := find(t, database(t, records), inventory("pkg:golang/example.com/net@v1.1.0"))
		got, err := ReadReport(write(t, r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.exploited, []bool{got.Findings[0].Exploited, got.Findings[1].Exploited}); diff != "" || got.Exploited != (tt.catalog != "") {
			t.Errorf("%s: looked at %v, (-want +got):\n%s", tt.name, got.Exploited, diff)
		}
	}
	for _, wrong := range []string{`{`, `{}`, `{"dateReleased": "2026-11-02T10:00:00Z"}`} {
		records[catalog] = []string{wrong}
		if r, err := Find(database(t, records), inventory("pkg:golang/example.com/net@v1.1.0")); err == nil {
			t.Errorf("the catalog %s: got %+v, want an error", wrong, r)
		}
	}
}

// TestAgeOfAdvisories: a catalog of today does not make old advisories new.
func TestAgeOfAdvisories(t *testing.T) {
	db := database(t, map[string][]string{
		"Go": {record("GO-1", "Go", "example.com/net", "1.2.0", "")}, "npm": {strings.Replace(record("GHSA-1", "npm", "left", "1.2.0", ""), "11-01", "11-02", 1)},
		catalog: {`{"dateReleased": "2026-11-20T10:00:00.5Z", "vulnerabilities": [{"cveID": "CVE-3"}]}`},
	})
	for want, purls := range map[string][]string{
		"2026-11-02": {"pkg:golang/example.com/net@v1.1.0", "pkg:npm/left@1.1.0"}, "2026-11-20": nil, // nothing that advisories are about
	} {
		got, err := ReadReport(write(t, find(t, db, inventory(purls...))))
		if err != nil {
			t.Fatal(err)
		}
		if day := got.Advisories.Format(time.DateOnly); day != want || !got.Exploited {
			t.Errorf("%q: got advisories of %s, want those of %s", purls, day, want)
		}
	}
}

// TestReadReport refuses what is no report, and takes little from others'.
func TestReadReport(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":  `{`,
		"no time":  `{"scanner": {"result": []}}`,
		"bad time": `{"metadata": {"scanFinishedOn": "yesterday"}}`,
		"no id":    `{"scanner": {"result": [{"severity": []}]}, "metadata": {"scanFinishedOn": "2026-11-02T00:00:00Z"}}`,
	} {
		if got, err := ReadReport([]byte(text)); err == nil {
			t.Errorf("%s: got %+v, want an error", name, got)
		}
	}
	other := `{"scanner": {"uri": "https://example.com/scanner", "db": {"version": "known-exploited@1, Go@1"}, "result": [{"id": "CVE-1", "severity": [{"method": "nvd", "score": "low"}]}]},
		"metadata": {"scanFinishedOn": "2026-11-02T00:00:00Z"}}`
	got, err := ReadReport([]byte(other))
	if err != nil {
		t.Fatal(err)
	}
	if got.Exploited || got.Sources != nil || !got.Advisories.IsZero() || got.Findings[0].Severity.Level != osv.Unknown || got.Findings[0].Published != "" {
		t.Errorf("another scanner's report counts as %+v", got)
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add([]byte(`{"scanner": {"result": [{"id": "CVE-1", "severity": [{"method": "cvss_score", "score": "x"}], "annotations": [{}, {"component": "a"}]}]}, "metadata": {"scanFinishedOn": "2026-11-02T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadReport(text)
		if err != nil {
			return
		}
		if r.At.IsZero() && !strings.Contains(string(text), "0001-01-01") || !json.Valid(text) {
			t.Errorf("%s reads as %+v", text, r)
		}
	})
}
