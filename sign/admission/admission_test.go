package admission

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// go test ./sign/admission -update writes the golden files anew.
var update = flag.Bool("update", false, "write golden files")

const (
	firstKey  = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvLaAtB3ormWAFyY1Ryx+g+nEmXzH\nLSw3W4AFehS4xy09qCrq5gx0B5B3r6MDJZVjc+zAGCE0vU4nHagBFVSaCQ==\n-----END PUBLIC KEY-----\n"
	secondKey = "-----BEGIN PUBLIC KEY-----\nsecond\n-----END PUBLIC KEY-----\n"
)

func whole() Policy {
	return Policy{
		Scope: "registry.corp:5000/platform", Keys: []string{firstKey}, Rebuilds: 1, Rebuilders: []string{secondKey},
		Statements:  []string{"https://spdx.dev/Document", "https://slsa.dev/provenance/v1", "https://in-toto.io/attestation/test-result/v0.1"},
		RebuildType: "https://example.org/rebuild-v1.md",
	}
}

// keyless is the same for those whom an authority certifies.
func keyless() Policy {
	p := whole()
	p.Keys, p.Statements = nil, p.Statements[:1]
	p.Certificates = []sign.CertificateIdentity{{Subject: "builder@corp.example", Issuer: "https://issuer.example"}}
	p.Material = sign.Material{
		Authorities: []sign.Authority{{URI: "https://fulcio.example", Organization: "corp", CommonName: "fulcio", Chain: "middle\ntop\n", Root: "top\n"}},
		Logs:        []sign.Log{{URL: "https://rekor.example", Key: firstKey}},
	}
	return p
}

func stampedPolicy() Policy {
	p := keyless()
	p.Certificates = append(p.Certificates, sign.CertificateIdentity{
		SubjectRegexp: `https://git\.example/corp/.+`, IssuerRegexp: `https://[ab]\.example`,
	}, sign.CertificateIdentity{Subject: "https://git.example/what?", Issuer: "https://issuer.example"})
	p.Keys, p.Rebuilds = []string{firstKey}, 0
	p.Material.Stampers = []sign.Authority{{Chain: "stamper\ntop\n", Root: "top\n"}}
	p.Material.CertificateLogs = []sign.Log{{URL: "https://ct.example", Key: secondKey}}
	return p
}

func TestWrite(t *testing.T) {
	goldens := map[string]Policy{
		"policy-controller-keyless": keyless(), "kyverno-keyless": keyless(), "containers-keyless": keyless(),
		"policy-controller-stamped": stampedPolicy(), "kyverno-stamped": stampedPolicy(),
	}
	for _, format := range Formats() {
		goldens[format] = whole()
	}
	for name, p := range goldens {
		t.Run(name, func(t *testing.T) {
			format := strings.TrimSuffix(strings.TrimSuffix(name, "-keyless"), "-stamped")
			files, err := Write(format, p)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, f := range files {
				got.WriteString("-- " + f.Name + " --\n" + string(f.Text))
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is exported asks for the keys, and for all of them that count.
func TestContainersKeys(t *testing.T) {
	read := func(keys ...string) map[string]any {
		p := whole()
		p.Keys = keys
		files, err := Write("containers", p)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Default    []map[string]any                       `json:"default"`
			Transports map[string]map[string][]map[string]any `json:"transports"`
		}
		if err := json.Unmarshal(files[0].Text, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Default) != 1 || doc.Default[0]["type"] != "reject" {
			t.Errorf("by default %v, want reject", doc.Default)
		}
		return doc.Transports["docker"][p.Scope][0]
	}
	one := read(firstKey)
	if want := base64.StdEncoding.EncodeToString([]byte(firstKey)); one["keyData"] != want || one["type"] != "sigstoreSigned" {
		t.Errorf("got %v", one)
	}
	if both := read(firstKey, secondKey); both["keyData"] != nil || len(both["keyDatas"].([]any)) != 2 {
		t.Errorf("got %v", both)
	}
}

// Each builder of a rebuild by all has a policy of its own: any authority of one
// would be enough.
func TestPolicyControllerRebuilds(t *testing.T) {
	for _, tt := range []struct{ rebuilds, builders, want int }{{0, 2, 1}, {1, 2, 2}, {2, 2, 3}, {2, 3, 1}} {
		p := whole()
		p.Rebuilds, p.Rebuilders = tt.rebuilds, nil
		for n := range tt.builders {
			p.Rebuilders = append(p.Rebuilders, fmt.Sprint(n))
		}
		files, err := Write("policy-controller", p)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(files[0].Text), "kind: ClusterImagePolicy\n"); got != tt.want {
			t.Errorf("%d of %d rebuilds: got %d policies, want %d", tt.rebuilds, tt.builders, got, tt.want)
		}
		var any map[string]any
		if err := yaml.Unmarshal(files[0].Text, &any); err != nil {
			t.Error(err)
		}
	}
}

func TestFailsClosed(t *testing.T) {
	for name, with := range map[string]func(*Policy){
		"nobody": func(p *Policy) { p.Keys = nil }, "no scope": func(p *Policy) { p.Scope = "" },
		"everything": func(p *Policy) { p.Scope = "*" }, "a URL": func(p *Policy) { p.Scope = "https://registry.corp" },
	} {
		p := whole()
		with(&p)
		for _, format := range Formats() {
			if files, err := Write(format, p); err == nil {
				t.Errorf("%s in %s: got %v, want an error", name, format, files)
			}
		}
	}
	for name, with := range map[string]func(*Policy){
		"more rebuilds than builders":    func(p *Policy) { p.Rebuilds = 2 },
		"one builder as two":             func(p *Policy) { p.Rebuilds, p.Rebuilders = 2, []string{secondKey, secondKey} },
		"the signer as a second builder": func(p *Policy) { p.Rebuilders = []string{secondKey, firstKey} },
	} {
		p := whole()
		with(&p)
		for _, format := range []string{"policy-controller", "kyverno"} {
			if files, err := Write(format, p); err == nil {
				t.Errorf("%s in %s: got %v, want an error", name, format, files)
			}
		}
	}
	if _, err := Write("opa", whole()); err == nil {
		t.Error("an unknown format: no error")
	}
}

// What a format has no words for is an error, not less than what was asked for.
func TestCannotSay(t *testing.T) {
	ed25519 := "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
	for want, with := range map[string]func(*Policy) string{
		"not of any among several": func(p *Policy) string {
			p.Certificates = append(p.Certificates, p.Certificates...)
			return "containers"
		},
		"containers can be told of keys or of one": func(p *Policy) string {
			p.Keys = []string{firstKey}
			return "containers"
		},
		"not of expressions: /b.+@corp/ (https://issuer.example)": func(p *Policy) string {
			p.Certificates[0].Subject, p.Certificates[0].SubjectRegexp = "", "b.+@corp"
			return "containers"
		},
		"containers can be told of an address of mail": func(p *Policy) string {
			p.Certificates[0].Subject = "https://git.example/corp/x@refs/heads/main"
			return "containers"
		},
		"names none with a key of ECDSA": func(p *Policy) string {
			p.Material.Logs[0].Key = ed25519
			return "containers"
		},
		"names 2 timestamp authorities, and kyverno can be told of one": func(p *Policy) string {
			p.Material.Stampers = make([]sign.Authority, 2)
			return "kyverno"
		},
		"no timestamp authority and 2 transparency logs": func(p *Policy) string {
			p.Material.Logs = append(p.Material.Logs, p.Material.Logs...)
			return "kyverno"
		},
		"which authority certifies": func(p *Policy) string {
			p.Material = sign.Material{}
			return "policy-controller"
		},
		"so it says nothing": func(p *Policy) string {
			p.Certificates[0] = sign.CertificateIdentity{SubjectRegexp: ".+", Issuer: "https://issuer.example"}
			return "policy-controller"
		},
	} {
		p := keyless()
		format := with(&p)
		if files, err := Write(format, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %q", format, files, err, want)
		}
	}
}

func TestLeftOut(t *testing.T) {
	n := 1
	p := &recipes.Policy{
		Builders: []string{"a"}, Bases: []string{"a"}, Sources: []string{"a"}, DenyLicenses: []string{"a"}, Refuse: []string{"a"}, MaxAge: "1d",
		MaxSize: "1", MinCoverage: &n, Vulnerabilities: &recipes.PolicyVulnerabilities{},
		Rebuilds: &recipes.PolicyRebuilds{Count: 2, By: make([]recipes.PolicyIdentity, 3)},
	}
	same := []string{"builders", "bases", "sources", "deny-licenses", "refuse", "max-age", "max-size", "min-coverage"}
	for format, want := range map[string][]string{
		"kyverno":           append(same[:len(same):len(same)], "vulnerabilities"),
		"policy-controller": append(same[:len(same):len(same)], "rebuilds", "vulnerabilities"),
		"containers":        append([]string{"statements"}, append(same[:len(same):len(same)], "rebuilds", "vulnerabilities")...),
	} {
		if diff := cmp.Diff(want, LeftOut(format, p, sign.Material{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	if left := LeftOut("kyverno", &recipes.Policy{}, stampedPolicy().Material); left != nil {
		t.Errorf("of nothing: got %v", left)
	}
	certified := &recipes.Policy{Identities: []recipes.PolicyIdentity{{Subject: "a", Issuer: "b"}}}
	if left := LeftOut("kyverno", certified, stampedPolicy().Material); len(left) != 1 || !strings.HasPrefix(left[0], "transparency logs") {
		t.Errorf("of a log besides timestamps: got %v", left)
	}
}
