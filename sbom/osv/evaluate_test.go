package osv

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestMatch goes through the schema's rules, ecosystem by ecosystem.
func TestMatch(t *testing.T) {
	tests := []struct {
		name, ecosystem, affected, version string
		want                               bool
		fixed                              string
	}{
		{"before", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]}]`, "0.9.0", false, ""},
		{"at introduced", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]}]`, "1.0.0", true, "1.2.0"},
		{"at fixed", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]}]`, "1.2.0", false, ""},
		{"before fixed as pre-release", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]`, "1.2.0-rc.1", true, "1.2.0"},
		{"pseudo-version", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.0.0-20210101000000-aaaaaaaaaaaa"}]}]`, "0.0.0-20201231000000-bbbbbbbbbbbb", true, "0.0.0-20210101000000-aaaaaaaaaaaa"},
		{"incompatible", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0+incompatible"}]}]`, "2.0.0+incompatible", false, ""},
		{"second window", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.25.13"}, {"introduced": "1.26.0-0"}, {"fixed": "1.26.6"}]}]`, "1.26.3", true, "1.26.6"},
		{"between windows", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.25.13"}, {"introduced": "1.26.0-0"}, {"fixed": "1.26.6"}]}]`, "1.25.14", false, ""},
		{"events in no order", "Go", `"ranges": [{"type": "SEMVER", "events": [{"fixed": "1.2.0"}, {"introduced": "1.1.0"}, {"introduced": "0"}, {"fixed": "1.0.5"}]}]`, "1.0.7", false, ""},
		{"events in no order, inside", "Go", `"ranges": [{"type": "SEMVER", "events": [{"fixed": "1.2.0"}, {"introduced": "1.1.0"}, {"introduced": "0"}, {"fixed": "1.0.5"}]}]`, "1.1.3", true, "1.2.0"},
		{"last affected", "npm", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"last_affected": "4.17.20"}]}]`, "4.17.20", true, ""},
		{"after the last affected", "npm", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"last_affected": "4.17.20"}]}]`, "4.17.21", false, ""},
		{"limit", "npm", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"limit": "2.0.0"}]}]`, "2.1.0", false, ""},
		{"below the limit", "npm", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"limit": "2.0.0"}]}]`, "1.9.0", true, ""},
		{"no fix", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]`, "99.0.0", true, ""},
		{"commits", "Go", `"ranges": [{"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]}]`, "1.0.0", false, ""},
		{"listed", "PyPI", `"versions": ["1.0", "1.1"]`, "1.1", true, ""},
		{"not listed", "PyPI", `"versions": ["1.0", "1.1"]`, "1.2", false, ""},
		{"listed beside a range", "PyPI", `"versions": ["1.0"], "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"fixed": "2.1"}]}]`, "1.0", true, ""},
		{"neither versions nor ranges", "Go", `"versions": []`, "1.0.0", false, ""},
		{"two ranges, the lower fix", "Go", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.9.0"}]}, {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.10.0"}]}]`, "1.2.0", true, "1.9.0"},
		{"tilde is before", "Debian:13", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.5.4-1"}]}]`, "3.5.4-1~deb13u1", true, "3.5.4-1"},
		{"security update", "Debian:13", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.5.4-1~deb13u2"}]}]`, "3.5.4-1~deb13u10", false, ""},
		{"binary rebuild", "Debian:13", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.2.37-2+b10"}]}]`, "5.2.37-2+b9", true, "5.2.37-2+b10"},
		{"epoch", "Debian:13", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:1.0"}]}]`, "9.0", true, "1:1.0"},
		{"pep 440", "PyPI", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0.post1"}]}]`, "1.0", true, "1.0.post1"},
		{"maven", "Maven", `"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0-beta9"}, {"fixed": "2.15.0"}]}]`, "2.14.1", true, "2.15.0"},
		{"crate", "crates.io", `"ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}, {"fixed": "1.8.4"}]}]`, "1.8.3", true, "1.8.4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &Advisory{}
			record := `{"id": "X-1", "affected": [{"package": {"ecosystem": "` + tt.ecosystem + `", "name": "p"}, ` + tt.affected + `}]}`
			if err := json.Unmarshal([]byte(record), a); err != nil {
				t.Fatal(err)
			}
			m, err := a.Match(tt.ecosystem, "p", tt.version)
			if err != nil || m.Affected != tt.want || m.Fixed != tt.fixed {
				t.Errorf("got %v, fixed %q, %v; want %v, fixed %q", m.Affected, m.Fixed, err, tt.want, tt.fixed)
			}
			if m, err := a.Match(tt.ecosystem, "other", tt.version); err != nil || m.Affected {
				t.Errorf("another package: got %+v, %v", m, err)
			}
		})
	}
}

func TestMatchUnreadableVersion(t *testing.T) {
	a := &Advisory{ID: "X-1", Affected: make([]Affected, 1)}
	a.Affected[0].Package.Ecosystem, a.Affected[0].Package.Name = "Debian:13", "p"
	if _, err := a.Match("Debian:13", "p", "x:1"); err == nil || !strings.Contains(err.Error(), `version "x:1" of Debian:13`) {
		t.Errorf("got %v, want an error about the version", err)
	}
	if _, err := a.Match("Cobol", "p", "1"); err == nil {
		t.Error("an ecosystem without known versions must be an error")
	}
}
