//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// instance is a private Sigstore of the real servers: Fulcio, Rekor of the
// second version on a folder, and the timestamp authority, with an OpenID
// Connect provider that believes everybody.
type instance struct {
	// config and root are the files that describe it.
	config, root string
	// roots and stampers are the certificates of its authorities, as PEM.
	roots, stampers string
	issuer          string

	key *ecdsa.PrivateKey // of the provider
}

// rekorName is what the log calls itself.
const rekorName = "rekor.localhost"

func startSigstore(t *testing.T) *instance {
	t.Helper()
	dir := t.TempDir()
	i := &instance{
		config: filepath.Join(dir, "signing-config.json"), root: filepath.Join(dir, "trusted-root.json"),
		roots: filepath.Join(dir, "roots.pem"), stampers: filepath.Join(dir, "stampers.pem"),
	}
	i.provider(t)
	fulcio := i.fulcio(t, dir)
	rekor, logKey := startRekor(t, dir)
	stamper := startServer(t, "timestamp-server", "/ping", "serve", "--host", "127.0.0.1", "--port", "PORT",
		"--timestamp-signer", "memory", "--disable-ntp-monitoring")
	service := func(url string, version int) []map[string]any {
		return []map[string]any{{"url": url, "majorApiVersion": version, "operator": "test", "validFor": validity()}}
	}
	writeJSON(t, i.config, map[string]any{
		"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":    service(fulcio, 1), "oidcUrls": service(i.issuer, 1),
		"rekorTlogUrls": service(rekor, 2), "rekorTlogConfig": map[string]any{"selector": "ANY"},
		"tsaUrls": service(stamper+"/api/v1/timestamp", 1), "tsaConfig": map[string]any{"selector": "ANY"},
	})
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(fetched(t, fulcio+"/api/v2/trustBundle"), &bundle); err != nil || len(bundle.Chains) == 0 {
		t.Fatalf("reading Fulcio's chain: %v", err)
	}
	chain := strings.Join(bundle.Chains[0].Certificates, "\n")
	stamperChain := fetched(t, stamper+"/api/v1/timestamp/certchain")
	for file, text := range map[string][]byte{i.roots: []byte(chain), i.stampers: stamperChain} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id := sha256.Sum256(logKey)
	writeJSON(t, i.root, map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"certificateAuthorities": []any{authority(t, fulcio, chain)},
		"timestampAuthorities":   []any{authority(t, stamper, string(stamperChain))},
		"tlogs": []any{map[string]any{
			"baseUrl": "https://" + rekorName, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id[:]},
			"publicKey": map[string]any{"rawBytes": logKey, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": validity()},
		}},
	})
	return i
}

func validity() map[string]any { return map[string]any{"start": "2020-01-01T00:00:00Z"} }

// authority is what a trusted root says about one of certificates.
func authority(t *testing.T, uri, chain string) map[string]any {
	t.Helper()
	var certificates []any
	for rest := []byte(chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificates = append(certificates, map[string]any{"rawBytes": block.Bytes})
	}
	if len(certificates) == 0 {
		t.Fatalf("%s has no certificate", uri)
	}
	return map[string]any{
		"uri": uri, "certChain": map[string]any{"certificates": certificates}, "validFor": validity(),
		"subject": map[string]any{"organization": "test", "commonName": "test"},
	}
}

func (i *instance) fulcio(t *testing.T, dir string) string {
	t.Helper()
	config := filepath.Join(dir, "fulcio.json")
	writeJSON(t, config, map[string]any{"OIDCIssuers": map[string]any{
		i.issuer: map[string]any{"IssuerURL": i.issuer, "ClientID": "sigstore", "Type": "email"},
	}})
	return startServer(t, "fulcio", "/healthz", "serve", "--ca", "ephemeralca", "--ct-log-url", "", "--config-path", config,
		"--host", "127.0.0.1", "--port", "PORT", "--grpc-host", "127.0.0.1", "--grpc-port", freePort(t),
		"--metrics-port", freePort(t), "--legacy-unix-domain-socket", filepath.Join(dir, "legacy.sock"))
}

func startRekor(t *testing.T, dir string) (url string, public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "rekor.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		t.Fatal(err)
	}
	url = startServer(t, "posix", "/healthz", "serve", "--hostname", rekorName, "--storage-dir", filepath.Join(dir, "log"), "--signer-filepath", file,
		"--http-address", "127.0.0.1", "--http-port", "PORT", "--http-metrics-port", freePort(t),
		"--grpc-address", "127.0.0.1", "--grpc-port", freePort(t), "--checkpoint-interval", "1s", "--batch-max-age", "100ms")
	return url, public
}

// startServer runs a server until the test ends, with its port in place of PORT, and
// waits for it to answer.
func startServer(t *testing.T, name, health string, args ...string) string {
	t.Helper()
	port := freePort(t)
	for n, a := range args {
		if a == "PORT" {
			args[n] = port
		}
	}
	cmd := exec.Command(program(name), args...) //nolint:gosec // not bound to the test, which ends it
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)                                   //nolint:errcheck // it may have ended
		timer := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // the same
		cmd.Wait()                                                            //nolint:errcheck // it was ended
		timer.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log.String())
		}
	})
	url := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(url + health)
		if err == nil {
			resp.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", name, err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func fetched(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url) //nolint:gosec // on a loopback address
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return body
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// provider is as much of OpenID Connect as Fulcio asks for.
func (i *instance) provider(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.key = key
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.issuer = server.URL
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(v) //nolint:errcheck // Fulcio would say so
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(map[string]any{
		"issuer": i.issuer, "jwks_uri": i.issuer + "/keys", "authorization_endpoint": i.issuer + "/auth", "token_endpoint": i.issuer + "/token",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	}))
	encode := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("/keys", answer(map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}}))
}

// token writes the identity token of somebody into a file.
func (i *instance) token(t *testing.T, email string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	body := fmt.Sprintf(`{"iss":%q,"aud":"sigstore","sub":%q,"email":%q,"email_verified":true,"iat":%d,"exp":%d}`, i.issuer, email, email, now, now+600)
	text := encode([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + encode([]byte(body))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(text+"."+encode(sig)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
