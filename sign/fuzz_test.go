package sign_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// Whatever a registry hands out, nothing panics, and nothing verifies that
// the key has not signed.
func FuzzVerify(f *testing.F) {
	pem, err := os.ReadFile(filepath.Join("testdata", "other.pub"))
	if err != nil {
		f.Fatal(err)
	}
	key, err := sign.LoadPublicKey(pem)
	if err != nil {
		f.Fatal(err)
	}
	// A bundle about this subject by a key that nobody has any more.
	bundle, err := os.ReadFile(filepath.Join("testdata", "bundle.json"))
	if err != nil {
		f.Fatal(err)
	}
	subject := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("4f", 32)}
	f.Add(bundle, "dev.sigstore.cosign/certificate", "x")
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{}}`), "dev.sigstore.cosign/bundle", `{"Payload":{"body":1}}`)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":""}]}`), "predicateType", "x")
	f.Fuzz(func(t *testing.T, data []byte, label, value string) {
		layer := static.NewLayer(data, "application/vnd.dsse.envelope.v1+json")
		img, err := mutate.Append(empty.Image, mutate.Addendum{
			Layer:       layer,
			Annotations: map[string]string{"dev.cosignproject.cosign/signature": "c2ln", label: value},
		})
		if err != nil {
			t.Skip()
		}
		found := recipes.Attached{Bundles: []recipes.Bundle{{Data: data}}, Signatures: img, Attestations: img}
		report, err := sign.Verify(t.Context(), subject, found, sign.Identity{Key: key}, []string{sign.PredicateSignature})
		var typed *sign.Error
		if !errors.As(err, &typed) || len(report.Statements) > 0 {
			t.Errorf("got %d statements and %v, want none and an *Error", len(report.Statements), err)
		}
	})
}
