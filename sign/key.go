package sign

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Key is a key pair that signs, or a public key that only verifies. It is
// safe for concurrent use.
type Key struct {
	public   crypto.PublicKey
	der      []byte // public, as SubjectPublicKeyInfo
	verifier signature.Verifier
	// private decrypts the private half when it is first needed: deriving
	// the key from a password takes a tenth of a second by design, which
	// who only verifies should not pay. Nil for a public key.
	private func() (signature.SignerVerifier, error)
}

// Errors about keys.
var (
	// ErrPassword says that a private key did not open with the password.
	ErrPassword = errors.New("wrong password")
	// ErrNoPrivateKey says that a public key was asked to sign.
	ErrNoPrivateKey = errors.New("this is a public key: signing needs the private one")
)

// LoadKey reads a private key in cosign's encrypted format, as made by
// `cosign generate-key-pair`: PEM of type ENCRYPTED SIGSTORE PRIVATE KEY or
// ENCRYPTED COSIGN PRIVATE KEY. It calls password once; nil is the empty
// password. The error wraps [ErrPassword] where the password is wrong.
func LoadKey(data []byte, password func() ([]byte, error)) (*Key, error) {
	if err := checkPrivate(data); err != nil {
		return nil, fmt.Errorf("loading key: %w", err)
	}
	var pass []byte
	if password != nil {
		var err error
		if pass, err = password(); err != nil {
			return nil, fmt.Errorf("loading key: reading password: %w", err)
		}
	}
	sv, err := decrypt(data, pass)
	if err != nil {
		return nil, fmt.Errorf("loading key: %w", err)
	}
	public, err := sv.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("loading key: %w", err)
	}
	return newKey(public, func() (signature.SignerVerifier, error) { return sv, nil })
}

// LoadPublicKey reads a public key, PEM of type PUBLIC KEY: ECDSA, RSA or
// Ed25519.
func LoadPublicKey(data []byte) (*Key, error) {
	public, err := cryptoutils.UnmarshalPEMToPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("loading public key: %w", err)
	}
	return newKey(public, nil)
}

func newKey(public crypto.PublicKey, private func() (signature.SignerVerifier, error)) (*Key, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("loading key: %w", err)
	}
	verifier, err := signature.LoadDefaultVerifier(public, *cosign.GetDefaultLoadOptions(nil)...)
	if err != nil {
		return nil, fmt.Errorf("loading key: %w", err)
	}
	k := &Key{public: public, der: der, verifier: verifier}
	if private != nil {
		k.private = sync.OnceValues(private)
	}
	return k, nil
}

// checkPrivate says what is wrong with data before anyone is asked for a
// password.
func checkPrivate(data []byte) error {
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		return errors.New("no PEM block")
	case block.Type == cosign.SigstorePrivateKeyPemType, block.Type == cosign.CosignPrivateKeyPemType:
		return nil
	case block.Type == "PUBLIC KEY":
		return ErrNoPrivateKey
	}
	return fmt.Errorf("PEM block is %q, want %q (make one with `cosign import-key-pair`)",
		block.Type, cosign.SigstorePrivateKeyPemType)
}

func decrypt(data, password []byte) (signature.SignerVerifier, error) {
	sv, err := cosign.LoadPrivateKey(data, password, nil)
	if err == nil {
		return sv, nil
	}
	// The library tells a wrong password from a broken file by text only.
	if e := errors.Unwrap(err); e != nil && e.Error() == "encrypted: decryption failed" {
		return nil, ErrPassword
	}
	return nil, err
}

// CanSign reports whether k has a private half.
func (k *Key) CanSign() bool { return k.private != nil }

// PublicPEM is the public half as PEM, as `cosign verify --key` takes it.
func (k *Key) PublicPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der})
}

// ID is "sha256:" and the hex digest of the public key's
// SubjectPublicKeyInfo. It tells keys apart in reports.
func (k *Key) ID() string {
	sum := sha256.Sum256(k.der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// hint is how a Sigstore bundle names the key that signed it: the digest of
// ID in base64.
func (k *Key) hint() string {
	sum := sha256.Sum256(k.der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (k *Key) signer() (signature.SignerVerifier, error) {
	if k.private == nil {
		return nil, ErrNoPrivateKey
	}
	return k.private()
}
