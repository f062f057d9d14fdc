//go:build !pkcs11key

package sign

import "github.com/sigstore/sigstore/pkg/signature"

func openToken(string) (signature.SignerVerifier, error) { return nil, ErrNoPKCS11 }
