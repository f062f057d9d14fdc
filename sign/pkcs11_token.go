//go:build pkcs11key

package sign

import (
	"github.com/sigstore/cosign/v2/pkg/cosign/pkcs11key"
	"github.com/sigstore/sigstore/pkg/signature"
)

// openToken finds the key of a URI. The tag is the one that cosign has for it.
func openToken(uri string) (signature.SignerVerifier, error) {
	config := pkcs11key.NewPkcs11UriConfig()
	if err := config.Parse(uri); err != nil {
		return nil, err
	}
	if config.Pin != "" {
		return nil, ErrPIN
	}
	key, err := pkcs11key.GetKeyWithURIConfig(config, true)
	if err != nil {
		return nil, err
	}
	return key.SignerVerifier()
}
