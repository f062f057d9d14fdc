package osv

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzMatch: whatever a record says, evaluating it ends, and ends the same
// again.
func FuzzMatch(f *testing.F) {
	for _, record := range []string{
		`{"id": "GO-1", "affected": [{"package": {"ecosystem": "Go", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}], "ecosystem_specific": {"imports": [{"path": "a", "symbols": ["B"]}]}}]}`,
		`{"id": "DSA-1", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}], "affected": [{"package": {"ecosystem": "Debian:13", "name": "a"}, "versions": ["1.0-1"], "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1:0"}, {"last_affected": "2~rc1"}, {"limit": "*"}]}]}]}`,
		`{"id": "x", "severity": [{"score": "CVSS:4.0/AV:N"}, {"score": "AV:N/AC:L/Au:N/C:N/I:N/A:C"}], "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "ecosystem_specific": []}]}`,
	} {
		for _, ecosystem := range []string{"Go", "Debian:13", "PyPI", "npm", "Maven", "crates.io"} {
			f.Add([]byte(record), ecosystem, "1.0-1")
		}
	}
	f.Fuzz(func(t *testing.T, record []byte, ecosystem, version string) {
		var a Advisory
		if json.Unmarshal(record, &a) != nil {
			return
		}
		for _, p := range a.Affected {
			m, err := a.Match(ecosystem, p.Package.Name, version)
			again, errAgain := a.Match(ecosystem, p.Package.Name, version)
			if diff := cmp.Diff(m, again); diff != "" || (err == nil) != (errAgain == nil) {
				t.Fatalf("again otherwise: %v, %v\n%s", err, errAgain, diff)
			}
			if r := a.Rating(m.By); r.Level == "" || r.Score < 0 || r.Score > 10 {
				t.Errorf("rated as %+v", r)
			}
			p.Symbols()
		}
		a.URL()
	})
}

// FuzzExploited: what is taken for a catalog has entries.
func FuzzExploited(f *testing.F) {
	f.Add([]byte(`{"dateReleased": "2026-11-02T10:00:00.5Z", "vulnerabilities": [{"cveID": "CVE-2"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, err := parseExploited(text); err == nil && (e.Len() == 0 || e.Released == "") {
			t.Errorf("%s reads as %+v", text, e)
		}
	})
}
