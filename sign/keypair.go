package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// keypair lends a Key to sigstore-go, whose sign.Keypair it implements.
type keypair struct {
	key       *Key
	signer    signature.SignerVerifier
	algorithm signature.AlgorithmDetails
}

func newKeypair(k *Key) (*keypair, error) {
	signer, err := k.signer()
	if err != nil {
		return nil, err
	}
	algorithm, err := signature.GetDefaultAlgorithmDetails(k.public, *cosign.GetDefaultLoadOptions(nil)...)
	if err != nil {
		return nil, fmt.Errorf("choosing signature algorithm: %w", err)
	}
	return &keypair{key: k, signer: signer, algorithm: algorithm}, nil
}

func (k *keypair) GetHashAlgorithm() protocommon.HashAlgorithm {
	return k.algorithm.GetProtoHashType()
}

func (k *keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.algorithm.GetSignatureAlgorithm()
}

func (k *keypair) GetHint() []byte { return []byte(k.key.hint()) }

func (k *keypair) GetKeyAlgorithm() string {
	switch k.key.public.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA"
	case *rsa.PublicKey:
		return "RSA"
	case ed25519.PublicKey:
		return "ED25519"
	}
	return ""
}

func (k *keypair) GetPublicKey() crypto.PublicKey { return k.key.public }

func (k *keypair) GetPublicKeyPem() (string, error) { return string(k.key.PublicPEM()), nil }

// SignData returns the signature of data and the digest that it covers.
func (k *keypair) SignData(ctx context.Context, data []byte) (sig, digest []byte, err error) {
	h := k.algorithm.GetHashType().New()
	h.Write(data)
	digest = h.Sum(nil)
	sig, err = k.signer.SignMessage(bytes.NewReader(data), options.WithContext(ctx), options.WithDigest(digest))
	return sig, digest, err
}
