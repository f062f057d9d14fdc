//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/test/registry"
)

// TestKubernetesEngine: a buildkitd with the configuration of the manifests
// and certificates of their script serves a kiln with such a certificate, and
// nobody else.
func TestKubernetesEngine(t *testing.T) {
	manifests, certs := filepath.Join(root(), ".github/kubernetes"), filepath.Join(t.TempDir(), "certs")
	b := &bed{homes: shared}
	b.must(t, filepath.Join(manifests, "certificates.sh"), certs)
	before := read(t, filepath.Join(certs, "server/cert.pem"))
	address := kubernetesEngine(t, filepath.Join(manifests, "buildkit.yaml"), certs)

	client := filepath.Join(certs, "client")
	ca, cert, key := registry.Certificates(t)
	for what, c := range map[string]struct {
		ca, cert, key string
		answers       bool
	}{
		"with its certificate":      {client + "/ca.pem", client + "/cert.pem", client + "/key.pem", true},
		"with another's":            {client + "/ca.pem", cert, key, false},
		"with the server's":         {client + "/ca.pem", certs + "/server/cert.pem", certs + "/server/key.pem", false},
		"to an engine of another's": {ca, client + "/cert.pem", client + "/key.pem", false},
		"without a certificate":     {client + "/ca.pem", "", "", false},
	} {
		kiln := *b
		kiln.env = []string{"KILN_ENGINE=" + address, "KILN_ENGINE_CA=" + c.ca, "KILN_ENGINE_CERT=" + c.cert, "KILN_ENGINE_KEY=" + c.key}
		r := kiln.run(t, "kiln", "doctor")
		if got := strings.Contains(r.stdout+r.stderr, "BuildKit answers"); got != c.answers {
			t.Errorf("%s: the engine answers: %v, want %v\n%s%s", what, got, c.answers, r.stdout, r.stderr)
		}
	}

	b.must(t, filepath.Join(manifests, "certificates.sh"), certs)
	if read(t, filepath.Join(certs, "server/cert.pem")) == before {
		t.Error("to run the script again has made no new certificate")
	}
	b.must(t, "openssl", "verify", "-CAfile", client+"/ca.pem", certs+"/server/cert.pem", client+"/cert.pem")
}

// kubernetesEngine starts a buildkitd as the manifests configure it, with
// folders and port of this machine, and returns its address.
func kubernetesEngine(t *testing.T, manifests, certs string) string {
	t.Helper()
	config := regexp.MustCompile(`(?s)  buildkitd.toml: \|\n(.*?)\n---`).FindStringSubmatch(read(t, manifests))
	if config == nil {
		t.Fatalf("%s has no configuration", manifests)
	}
	address := freeAddress(t)
	dir, err := os.MkdirTemp("", "e2e-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a temporary folder
	file := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(file, []byte(config[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	replace(t, file, "/run/user/1000/buildkit", dir, "0.0.0.0:1234", address)
	for range 3 {
		replace(t, file, "/etc/buildkit-tls/", certs+"/server/")
	}
	return runEngine(t, address, "--config", file, "--root", filepath.Join(dir, "root"))
}
