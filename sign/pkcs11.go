package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
)

// Errors about keys in tokens.
var (
	// ErrNoPKCS11 says that this program was built without PKCS#11.
	ErrNoPKCS11 = errors.New("this kiln was built without PKCS#11")
	// ErrPIN says that a PIN stands in a URI, which is printed and kept.
	ErrPIN = errors.New("the URI holds the PIN")
)

// isPKCS11 reports whether a key's name is the URI of one in a token, such as a
// hardware security module (RFC 7512).
func isPKCS11(name string) bool { return strings.HasPrefix(name, "pkcs11:") }

// loadPKCS11 opens a key in a token by its URI, which names the token (token or
// slot-id), the key (object or id) and the token's library (module-path). The
// PIN is COSIGN_PKCS11_PIN, or what a person types.
func loadPKCS11(uri string) (*Key, error) {
	if strings.Contains(uri, "pin-value") || strings.Contains(uri, "pin-source") {
		return nil, fmt.Errorf("opening key in a token: %w", ErrPIN)
	}
	held, err := openToken(uri)
	if err != nil {
		return nil, fmt.Errorf("opening key %s: %w", uri, err)
	}
	public, err := held.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("reading public key of %s: %w", uri, err)
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("opening key %s: its curve is %s, want P-256", uri, k.Curve.Params().Name)
		}
	default:
		return nil, fmt.Errorf("opening key %s: it is a %T, want ECDSA or RSA", uri, public)
	}
	return newKey(public, func() (signature.SignerVerifier, error) { return held, nil })
}
