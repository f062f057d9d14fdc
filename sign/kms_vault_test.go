//go:build kms

package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// vault is as much of HashiCorp Vault's transit engine as signing needs.
func vault(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, data any) {
		json.NewEncoder(w).Encode(map[string]any{"data": data}) //nolint:errcheck // a test
	}
	mux.HandleFunc("GET /v1/transit/keys/kiln", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"type": "ecdsa-p256", "latest_version": 1, "keys": map[string]any{"1": map[string]any{"public_key": public}}})
	})
	mux.HandleFunc("/v1/transit/sign/kiln/", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Input     []byte `json:"input"`
			Prehashed bool   `json:"prehashed"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || !asked.Prehashed || r.Header.Get("X-Vault-Token") != "secret" {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		sig, err := ecdsa.SignASN1(rand.Reader, key, asked.Input)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, map[string]any{"signature": "vault:v1:" + base64.StdEncoding.EncodeToString(sig)})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "secret")
}

func TestVault(t *testing.T) {
	vault(t)
	key, err := LoadKMS(t.Context(), "hashivault://kiln")
	if err != nil {
		t.Fatal(err)
	}
	checkSigns(t, key)
	if _, err := LoadKMS(t.Context(), "hashivault://other"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a key that is not there: got %v, want an error without the token", err)
	}
}
