package sign

import (
	"errors"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// Identity says whose signatures count.
type Identity struct {
	// Key is the public key that must have signed.
	Key *Key
	// Log, where it is set, is the transparency log that must have
	// recorded every signature. It is checked offline, against the promise
	// or proof that came with the signature.
	Log *Log
}

// Log knows a transparency log by its public keys.
type Log struct {
	material root.TrustedMaterial
}

// LoadLog reads the keys of transparency logs from a Sigstore trusted root,
// the JSON that `cosign trusted-root create` writes.
func LoadLog(trustedRoot []byte) (*Log, error) {
	r, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return nil, err
	}
	if len(r.RekorLogs()) == 0 {
		return nil, errors.New("it names no transparency log")
	}
	return &Log{material: r}, nil
}

// material is what sigstore-go has to trust besides the key.
func (id Identity) material() root.TrustedMaterial {
	key := root.NewExpiringKey(id.Key.verifier, time.Time{}, time.Time{})
	keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return key, nil
	})
	if id.Log == nil {
		return keys
	}
	return root.TrustedMaterialCollection{keys, id.Log.material}
}

// checkOptions tells cosign's verifiers whose signatures count.
func checkOptions(id Identity) *cosign.CheckOpts {
	return &cosign.CheckOpts{
		SigVerifier:     id.Key.verifier,
		TrustedMaterial: id.material(),
		IgnoreTlog:      id.Log == nil,
		Offline:         true,
	}
}
