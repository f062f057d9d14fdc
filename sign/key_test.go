package sign_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func password(p string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(p), nil }
}

func TestLoadKey(t *testing.T) {
	pair, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return []byte("swordfish"), nil })
	if err != nil {
		t.Fatal(err)
	}
	older := bytes.ReplaceAll(pair.PrivateBytes, []byte("SIGSTORE"), []byte("COSIGN"))
	for name, data := range map[string][]byte{"sigstore": pair.PrivateBytes, "cosign": older} {
		t.Run(name, func(t *testing.T) {
			key, err := sign.LoadKey(data, password("swordfish"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(key.PublicPEM(), pair.PublicBytes) {
				t.Errorf("public key: got %s, want %s", key.PublicPEM(), pair.PublicBytes)
			}
			if !key.CanSign() {
				t.Error("the key does not sign")
			}
			if _, err := sign.LoadKey(data, password("sword")); !errors.Is(err, sign.ErrPassword) {
				t.Errorf("wrong password: got %v, want %v", err, sign.ErrPassword)
			}
		})
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	asked := func() ([]byte, error) { t.Error("asked for a password"); return nil, nil }
	for name, data := range map[string]string{
		"no PEM":         "hello",
		"public":         string(newKey(t).PublicPEM()),
		"not of cosign":  string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte{1}})),
		"nothing at all": "",
	} {
		if key, err := sign.LoadKey([]byte(data), asked); err == nil {
			t.Errorf("%s: got key %s, want an error", name, key.ID())
		}
	}
	if _, err := sign.LoadPublicKey([]byte("hello")); err == nil {
		t.Error("public key without PEM: got no error")
	}
}

func TestKeyAlgorithms(t *testing.T) {
	for _, algorithm := range []protocommon.PublicKeyDetails{
		protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256,
		protocommon.PublicKeyDetails_PKIX_ED25519_PH,
	} {
		t.Run(algorithm.String(), func(t *testing.T) {
			details, err := signature.GetAlgorithmDetails(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := cosign.GenerateKeyPairWithAlgorithm(&details, nil)
			if err != nil {
				t.Fatal(err)
			}
			key, err := sign.LoadKey(pair.PrivateBytes, nil)
			if err != nil {
				t.Fatal(err)
			}
			subject := newSubject(t)
			found := attached(t, mustSign(t, subject, key, statements(), recipes.Attached{}))
			public, err := sign.LoadPublicKey(pair.PublicBytes)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []recipes.Attached{{Bundles: found.Bundles}, {Signatures: found.Signatures, Attestations: found.Attestations}} {
				if _, err := sign.Verify(t.Context(), subject.Digest, part, sign.Identity{Key: public}, all); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDevelopmentKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	key, created, err := sign.DevelopmentKey(dir)
	if err != nil || !created {
		t.Fatalf("got created %t, %v", created, err)
	}
	fi, err := os.Stat(filepath.Join(dir, sign.DevelopmentKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := fi.Mode().Perm(); got != 0o600 {
		t.Errorf("private key has mode %o, want 600", got)
	}
	again, created, err := sign.DevelopmentKey(dir)
	if err != nil || created || again.ID() != key.ID() {
		t.Errorf("second time: got created %t, %v, want the same key", created, err)
	}
	mustSign(t, newSubject(t), again, nil, recipes.Attached{})
	if err := os.Remove(filepath.Join(dir, sign.DevelopmentPublicKeyFile)); err != nil {
		t.Fatal(err)
	}
	if again, _, err = sign.DevelopmentKey(dir); err != nil || again.ID() != key.ID() {
		t.Errorf("without public key: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("got %d files, want 2 (%v)", len(entries), err)
	}
}

func TestDevelopmentKeyMadeByManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	ids := make([]string, 8)
	makers := make([]bool, len(ids))
	for i := range ids {
		wg.Go(func() {
			key, created, err := sign.DevelopmentKey(dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i], makers[i] = key.ID(), created
		})
	}
	wg.Wait()
	made := 0
	for i, id := range ids {
		if id != ids[0] {
			t.Errorf("got keys %s and %s, want one", id, ids[0])
		}
		if makers[i] {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d made the key, want 1", made)
	}
}

func TestDevelopmentKeyOfTwoPairs(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := sign.DevelopmentKey(dir); err != nil {
		t.Fatal(err)
	}
	foreign := newKey(t).PublicPEM()
	if err := os.WriteFile(filepath.Join(dir, sign.DevelopmentPublicKeyFile), foreign, 0o644); err != nil {
		t.Fatal(err)
	}
	key, _, err := sign.DevelopmentKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sign.Sign(t.Context(), newSubject(t), repository, key, nil, sign.Options{})
	if err == nil || !strings.Contains(err.Error(), "not of one pair") {
		t.Errorf("got %v, want an error about the pair", err)
	}
}
