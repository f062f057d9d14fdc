package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

func (i *Instance) stampKeys(rootCert *x509.Certificate, rootKey *ecdsa.PrivateKey) error {
	intermediate, key, err := ca.GenerateTSAIntermediate(rootCert, rootKey)
	if err != nil {
		return err
	}
	if i.stampKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	now := time.Now()
	leaf, err := ca.GenerateTSALeafCert(now.Add(-time.Minute), i.stampKey, intermediate, key)
	i.stamper = &root.SigstoreTimestampingAuthority{
		Root: rootCert, Intermediates: []*x509.Certificate{intermediate}, Leaf: leaf, URI: "https://tsa.localhost",
		ValidityPeriodStart: now.Add(-time.Hour), ValidityPeriodEnd: now.Add(time.Hour),
	}
	return err
}

// stamp is a timestamp authority's answer (RFC 3161).
func (i *Instance) stamp(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked, err := timestamp.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := timestamp.Timestamp{
		HashAlgorithm: asked.HashAlgorithm, HashedMessage: asked.HashedMessage, Nonce: asked.Nonce,
		Time: time.Now(), Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
	}
	raw, err := answer.CreateResponseWithOpts(i.stamper.Leaf, i.stampKey, crypto.SHA256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.WriteHeader(http.StatusCreated)
	w.Write(raw) //nolint:errcheck // a test
}
