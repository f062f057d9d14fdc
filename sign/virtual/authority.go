package virtual

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// claims are those of an identity token.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// Token is an identity token for somebody with an address.
func (i *Instance) Token(issuer, email string) string {
	body, err := json.Marshal(claims{Issuer: issuer, Subject: email, Email: email, Verified: true})
	if err != nil {
		panic(err) // texts only
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(body) + "." + encode([]byte("x"))
}

// ActionsIssuer and ActionsIdentity are who a token of GitHub Actions is for,
// which is to be had at /token with the bearer "job".
const (
	ActionsIssuer   = "https://actions.example"
	ActionsIdentity = "workflow@corp.example"
)

// token is what GitHub has for the jobs of Actions.
func (i *Instance) token(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "bearer job" || req.URL.Query().Get("audience") != "sigstore" {
		http.Error(w, "who is that", http.StatusUnauthorized)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"value": i.Token(ActionsIssuer, ActionsIdentity)}) //nolint:errcheck // a test
}

// issue is Fulcio's POST /api/v2/signingCert.
func (i *Instance) issue(w http.ResponseWriter, req *http.Request) {
	chain, err := i.certify(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var answer struct {
		Embedded struct {
			Chain struct {
				Certificates []string `json:"certificates"`
			} `json:"chain"`
		} `json:"signedCertificateEmbeddedSct"`
	}
	answer.Embedded.Chain.Certificates = chain
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // a test
}

func (i *Instance) certify(req *http.Request) ([]string, error) {
	who, err := identity(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		return nil, err
	}
	var asked struct {
		Key struct {
			Public struct {
				Content string `json:"content"`
			} `json:"publicKey"`
			Proof []byte `json:"proofOfPossession"`
		} `json:"publicKeyRequest"`
	}
	if err := json.NewDecoder(req.Body).Decode(&asked); err != nil {
		return nil, err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(asked.Key.Public.Content))
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return nil, err
	}
	if err := verifier.VerifySignature(bytes.NewReader(asked.Key.Proof), strings.NewReader(who.Email)); err != nil {
		return nil, fmt.Errorf("proof of possession: %w", err)
	}
	intermediate := i.authority.Intermediates[0]
	leaf, err := ca.GenerateLeafCert(who.Email, who.Issuer, i.options.Now(), foreign{public}, intermediate, i.signer)
	if err != nil {
		return nil, err
	}
	var chain []string
	for _, der := range [][]byte{leaf.Raw, intermediate.Raw, i.authority.Root.Raw} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	return chain, nil
}

func identity(token string) (claims, error) {
	var who claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return who, errors.New("no identity token")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return who, err
	}
	return who, json.Unmarshal(body, &who)
}

// foreign stands for a key of which only the public half is here.
type foreign struct{ public crypto.PublicKey }

func (f foreign) Public() crypto.PublicKey { return f.public }
func (f foreign) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("this key is another's")
}
