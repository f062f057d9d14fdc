package virtual

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Person is who gets an identity token from the instance itself, which is an
// OpenID Connect provider as well: by the device flow (RFC 8628), the second
// time it is asked.
const Person = "person@corp.example"

func (i *Instance) provide(mux *http.ServeMux) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	encode := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/oauth",
			"device_authorization_endpoint": i.URL + "/device", "code_challenge_methods_supported": []string{"S256"},
			"id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": encode(point[1:33]), "y": encode(point[33:]),
		}}})
	})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": i.URL + "/activate", "expires_in": 60, "interval": 0})
	})
	mux.HandleFunc("POST /oauth", i.counted(func(w http.ResponseWriter, req *http.Request) {
		if i.Count("/oauth") < 2 {
			reply(w, map[string]any{"error": "authorization_pending"})
			return
		}
		token, err := personToken(key, i.URL, req.FormValue("client_id"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		reply(w, map[string]any{"id_token": token})
	}))
	return nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the client will see
}

// personToken is a token that verifies (RFC 7515, with ES256).
func personToken(key *ecdsa.PrivateKey, issuer, audience string) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	body := fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"1","email":%q,"email_verified":true,"iat":%d,"exp":%d}`, issuer, audience, Person, now, now+60)
	text := encode([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + encode([]byte(body))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)), nil
}
