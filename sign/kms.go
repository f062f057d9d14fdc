package sign

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
)

// ErrNoKMS says that this program was built without the clients of key
// management services.
var ErrNoKMS = errors.New("this kiln was built without key management services")

// kmsSchemes are the services whose addresses are known.
var kmsSchemes = []string{"awskms", "azurekms", "gcpkms", "hashivault"}

// IsKMS reports whether a key's name is the address of one in a key management
// service, such as hashivault://NAME, or the URI of one in a PKCS#11 token, and no
// file.
func IsKMS(name string) bool {
	if isPKCS11(name) {
		return true
	}
	scheme, _, ok := strings.Cut(name, "://")
	return ok && slices.Contains(kmsSchemes, scheme)
}

// LoadKMS opens a key that a key management service or a PKCS#11 token holds, by
// the addresses that cosign has for them. Its public half is read now; the private one stays
// where it is, and signs there. The error wraps [ErrNoKMS] or [ErrNoPKCS11] where
// the program lacks what it takes.
func LoadKMS(ctx context.Context, address string) (*Key, error) {
	if isPKCS11(address) {
		return loadPKCS11(address)
	}
	scheme, _, _ := strings.Cut(address, "://")
	if !slices.Contains(kms.SupportedProviders(), scheme+"://") {
		return nil, fmt.Errorf("opening key %s: %w", address, ErrNoKMS)
	}
	service, err := kms.Get(ctx, address, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("opening key %s: %w", address, err)
	}
	public, err := service.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("reading public key of %s: %w", address, err)
	}
	return newKey(public, func() (signature.SignerVerifier, error) { return service, nil })
}
