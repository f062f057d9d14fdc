package sign

import (
	"context"
	"crypto/x509"

	"github.com/sigstore/sigstore-go/pkg/sign"
)

// Signer signs: a [*Key] that has its private half, or a [*Keyless].
type Signer interface {
	// Identity is whose signatures are this signer's. Signatures of images
	// that verify under it are not made again.
	Identity() Identity
	// credentials are what to sign with now.
	credentials(context.Context) (*credentials, error)
	// services are where its signatures are sent, or nil.
	services() *Services
}

// credentials are a key pair and the certificate for it.
type credentials struct {
	keypair sign.Keypair
	// certificate is nil where the key is known by itself.
	certificate *x509.Certificate
}

// Identity implements [Signer].
func (k *Key) Identity() Identity { return Identity{Key: k} }

func (k *Key) credentials(context.Context) (*credentials, error) {
	kp, err := newKeypair(k)
	return &credentials{keypair: kp}, err
}

func (k *Key) services() *Services { return nil }

// fixed hands sigstore-go the certificate that is there already.
type fixed []byte

// GetCertificate implements sign.CertificateProvider.
func (f fixed) GetCertificate(context.Context, sign.Keypair, *sign.CertificateProviderOptions) ([]byte, error) {
	return f, nil
}
