package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// block is a certificate block with any content: the format does not look.
func block(kind, content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)}))
}

func TestJava(t *testing.T) {
	got := Java([]byte(block("CERTIFICATE", "one") + "a word\n" + block("CERTIFICATE", "one") + block("PUBLIC KEY", "no") + block("CERTIFICATE", "two")))
	head := "feedfeed" + "00000002" + "00000002" + "00000002" + "0040" + hex.EncodeToString([]byte(alias([]byte("one")))) +
		"0000000000000000" + "0005" + hex.EncodeToString([]byte("X.509")) + "00000003" + hex.EncodeToString([]byte("one"))
	if text := hex.EncodeToString(got); !strings.HasPrefix(text, head) {
		t.Errorf("got  %s\nwant %s…", text, head)
	}
	if !bytes.Equal(digest(got[:len(got)-20]), got[len(got)-20:]) {
		t.Error("the digest does not fit")
	}
	if want := 12 + 2*(4+2+64+8+2+5+4+3) + 20; len(got) != want {
		t.Errorf("got %d bytes, want %d", len(got), want)
	}
}

// Java's own tool reads it, and accepts the digest.
func TestKeytool(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("there is no keytool")
	}
	file := filepath.Join(t.TempDir(), "cacerts")
	if err := os.WriteFile(file, Java(authority(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(keytool, "-J-Duser.language=en", "-list", "-keystore", file, "-storepass", Password).CombinedOutput() //nolint:gosec // keytool and a file of this test
	if err != nil || !strings.Contains(string(out), "contains 1 entry") || !strings.Contains(string(out), "trustedCertEntry") {
		t.Errorf("got %v\n%s", err, out)
	}
}

func authority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotAfter: time.Unix(4e9, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
