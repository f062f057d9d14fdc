//go:build e2e

package e2e

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vulns is the type of a scan's report, for which cosign has no name.
const vulns = "https://in-toto.io/attestation/vulns/v0.2"

// testReport attaches the scan and what the analysis of the source found to
// the image. Cosign verifies both, in both places; a policy is met by what is
// reached alone.
func testReport(t *testing.T, b *bed, image, advisories, vex string) {
	db := completed(t, advisories)
	b.mustFail(t, 4, []string{"FAIL  vulnerabilities  no report of a scan"}, "verify", image, "--policy", policy(t, b, "{unknown: 3650, scan-age: 3650}"))
	r := b.must(t, "kiln", "scan", image, "--db", db, "--key", b.pub, "--sign-key", b.key, "--attest", "--vex", vex)
	if !strings.Contains(r.stderr, "attached    "+vulns) || !strings.Contains(r.stderr, "attached    https://openvex.dev/ns") {
		t.Errorf("attached is not said:\n%s", r.stderr)
	}

	flags := []string{"--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile}
	other := filepath.Join(t.TempDir(), "other")
	b.must(t, "cosign", "generate-key-pair", "--output-key-prefix", other)
	copied := b.withoutReferrers(t, image)
	for kind, predicate := range map[string]string{vulns: vulns, "openvex": "https://openvex.dev/ns"} {
		bundles := slices.Concat([]string{"verify-attestation", image, "--type", kind}, b.nobody(t), flags)
		b.must(t, "cosign", append(bundles, "--key", b.pub)...)
		if r := b.run(t, "cosign", append(bundles, "--key", other+".pub")...); r.code == 0 {
			t.Errorf("cosign accepts a key that did not sign the %s", kind)
		}
		tags := append([]string{"verify-attestation", copied, "--type", kind, "--key", b.pub}, flags...)
		checkStatement(t, b.must(t, "cosign", tags...).last(), predicate, image)
	}
	tags := append([]string{"verify-attestation", copied, "--type", "vuln", "--key", b.pub}, flags...)
	if r := b.run(t, "cosign", tags...); r.code == 0 {
		t.Errorf("cosign's own type vuln is there:\n%s", r.stdout)
	}

	r = b.mustFail(t, 4, []string{"GO-2021-0113 in golang.org/x/text 0.3.5"}, "verify", image, "--policy", policy(t, b, "{unknown: 0, scan-age: 3650}"))
	if strings.Contains(r.stderr, "GO-2022-1059") {
		t.Errorf("what is not reached counts:\n%s", r.stderr)
	}
	r = b.must(t, "kiln", "verify", image, "--policy", policy(t, b, "{unknown: 3650, critical: 3650, high: 3650, medium: 3650, low: 3650, scan-age: 3650}"))
	if !strings.Contains(r.stderr, "ok    vulnerabilities") {
		t.Errorf("the rule is not told:\n%s", r.stderr)
	}
}

// completed is a copy of the database with what else a scan looks for: one
// made-up advisory for Debian, and a catalog of what is exploited.
func completed(t *testing.T, advisories string) string {
	t.Helper()
	db := t.TempDir()
	if err := os.CopyFS(db, os.DirFS(advisories)); err != nil {
		t.Fatal(err)
	}
	catalog := `{"dateReleased": "2026-01-01T00:00:00Z", "vulnerabilities": [{"cveID": "CVE-2000-1"}]}`
	if err := os.WriteFile(filepath.Join(db, "known_exploited_vulnerabilities.json"), []byte(catalog), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(db, "Debian"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(db, "Debian", "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create("DSA-1-1.json")
	if err != nil {
		t.Fatal(err)
	}
	record := `{"id": "DSA-1-1", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Debian:13", "name": "nothing"}}]}`
	if _, err := w.Write([]byte(record)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return db
}

// policy writes one that asks for a scan.
func policy(t *testing.T, b *bed, grace string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	text := "kiln: v1\npolicy:\n  identities: [{key: " + b.pub + "}]\n  statements: [spdx, scan, vex]\n  vulnerabilities: " + grace + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
