package recipes

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePolicy(t *testing.T) {
	c, err := ParseConfig("conf/kiln.yaml", []byte(`kiln: v1
policy:
  identities: [{key: prod.pub}, {key: /etc/keys/b.pub}, {subject: ci@corp.example, issuer-regexp: 'https://[ab]\.example'}]
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
		Identities: []PolicyIdentity{{Key: filepath.Join("conf", "prod.pub")}, {Key: "/etc/keys/b.pub"}, {Subject: "ci@corp.example", IssuerRegexp: `https://[ab]\.example`}},
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

func TestPolicyIdentityRefused(t *testing.T) {
	for identity, want := range map[string]string{
		`{}`:                          "policy.identities[0] names nobody",
		`{key: ""}`:                   "policy.identities[0] names nobody",
		`{key: a, subject: b}`:        "policy.identities[0] is a key and a certificate's identity",
		`{subject: b}`:                "policy.identities[0] needs issuer or issuer-regexp, one of them",
		`{issuer: b}`:                 "policy.identities[0] needs subject or subject-regexp, one of them",
		`{issuer-regexp: b, key: ""}`: "policy.identities[0] needs subject or subject-regexp, one of them",
		`{issuer: a, subject: b, subject-regexp: c}`:                                "policy.identities[0] needs subject or subject-regexp, one of them",
		`{key: a}], rebuilds: {count: 1, by: [{subject: a, issuer: b}]}, bases: [a`: "policy.rebuilds.by[0] is no key",
	} {
		_, err := ParseConfig("kiln.yaml", []byte("kiln: v1\npolicy: {identities: ["+identity+"]}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", identity, err, want)
		}
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
