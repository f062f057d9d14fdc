package recipes

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePolicy(t *testing.T) {
	c, err := ParseConfig("conf/kiln.yaml", []byte(`kiln: v1
policy:
  identities: [{key: prod.pub}, {key: /etc/keys/b.pub}]
  statements: [spdx, https://example.org/review]
  bases: static
  max-age: 90d
  max-size: 200M
  min-coverage: 100
  rebuilds: {count: 1, by: [{key: ci.pub}]}
  vulnerabilities: {high: 3, known-exploited: 0}
`))
	if err != nil {
		t.Fatal(err)
	}
	hundred, three, zero := 100, 3, 0
	want := &Policy{
		Identities: []PolicyIdentity{{Key: filepath.Join("conf", "prod.pub")}, {Key: "/etc/keys/b.pub"}},
		Statements: []string{"spdx", "https://example.org/review"}, Bases: []string{"static"},
		MaxAge: "90d", MaxSize: "200M", MinCoverage: &hundred,
		Rebuilds:        &PolicyRebuilds{Count: 1, By: []PolicyIdentity{{Key: filepath.Join("conf", "ci.pub")}}},
		Vulnerabilities: &PolicyVulnerabilities{High: &three, KnownExploited: &zero},
	}
	if diff := cmp.Diff(want, c.Policy); diff != "" {
		t.Error(diff)
	}
	if got := c.Policy.Age(); got != 90*24*time.Hour {
		t.Errorf("got age %v", got)
	}
	if got := c.Policy.Bytes(); got != 200_000_000 {
		t.Errorf("got %d bytes", got)
	}
}

func TestGrace(t *testing.T) {
	three, forty := 3, 40
	for _, tt := range []struct {
		policy    PolicyVulnerabilities
		severity  string
		exploited bool
		want      int
	}{
		{PolicyVulnerabilities{}, "critical", false, 7}, {PolicyVulnerabilities{}, "high", false, 7},
		{PolicyVulnerabilities{}, "medium", false, 30}, {PolicyVulnerabilities{}, "low", false, 30}, {PolicyVulnerabilities{}, "", false, 30},
		{PolicyVulnerabilities{}, "low", true, 1}, {PolicyVulnerabilities{High: &three}, "high", false, 3},
		{PolicyVulnerabilities{Unknown: &three}, "serious", false, 3},
		{PolicyVulnerabilities{KnownExploited: &forty}, "high", true, 7}, {PolicyVulnerabilities{KnownExploited: &three}, "low", true, 3},
	} {
		if got := tt.policy.Grace(tt.severity, tt.exploited); got != tt.want {
			t.Errorf("%+v, %q, %v: got %d days, want %d", tt.policy, tt.severity, tt.exploited, got, tt.want)
		}
	}
}
