package archive

import "testing"

func TestNewer(t *testing.T) {
	x := testIndex(t, map[string]string{
		"":           stanza("a", "1.0") + stanza("point", "1.0+deb13u1") + stanza("b", "1"),
		"-updates":   stanza("b", "2"),
		"-security":  stanza("a", "1.0+deb13u1") + stanza("point", "1.0+deb13u1") + stanza("b", "1.5"),
		"-backports": stanza("a", "3~bpo13+1") + stanza("only", "2~bpo13+1"),
	})
	for _, tt := range []struct{ name, version, newest, suite, security string }{
		{"a", "1.0", "1.0+deb13u1", "trixie-security", "trixie-security"},
		{"a", "1.0+deb13u1", "", "", ""},
		{"a", "9", "", "", ""},
		{"point", "1.0", "1.0+deb13u1", "trixie", "trixie-security"},
		{"b", "1", "2", "trixie-updates", "trixie-security"},
		{"b", "1.5", "2", "trixie-updates", ""},
		{"only", "1", "", "", ""},
		{"only", "1~bpo13+1", "2~bpo13+1", "trixie-backports", ""},
		{"none", "1", "", "", ""},
	} {
		n, ok := x.Newer(tt.name, tt.version)
		if ok != (tt.newest != "") || n.Newest.Version != tt.newest || n.Newest.Suite != tt.suite || n.Security != tt.security {
			t.Errorf("%s %s: got %s of %q, security %q, want %s of %q, %q",
				tt.name, tt.version, n.Newest.Version, n.Newest.Suite, n.Security, tt.newest, tt.suite, tt.security)
		}
	}
}
