package archive

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ProtonMail/go-crypto/openpgp"
)

//go:embed keyring/debian-archive-keyring.pgp
var embeddedKeyring []byte

// DefaultKeyring returns the keys of the Debian archive: those of the package
// debian-archive-keyring installed below root, where it is, followed by those
// built into kiln, so that a host of an older release can read a newer one.
func DefaultKeyring(root string) ([]byte, error) {
	for _, name := range []string{"debian-archive-keyring.pgp", "debian-archive-keyring.gpg"} {
		b, err := os.ReadFile(filepath.Join(root, "usr/share/keyrings", name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the archive keyring: %w", err)
		}
		return append(b, embeddedKeyring...), nil
	}
	return bytes.Clone(embeddedKeyring), nil
}

// maxKeyring is some twenty times the size of Debian's keyring.
const maxKeyring = 1 << 20

// readKeyring reads OpenPGP public keys (RFC 9580, section 10.1), binary or
// armored. A key that is revoked in any of its copies is left out.
func readKeyring(b []byte) (openpgp.EntityList, error) {
	if len(b) == 0 || len(b) > maxKeyring {
		return nil, fmt.Errorf("reading the archive keyring: it is %d bytes, want 1 to %d", len(b), maxKeyring)
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	all, err := read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("reading the archive keyring: %w", err)
	}
	keys := withoutRevoked(all)
	if len(keys) == 0 {
		return nil, errors.New("reading the archive keyring: it holds no usable key")
	}
	return keys, nil
}

func withoutRevoked(all openpgp.EntityList) openpgp.EntityList {
	revoked := map[uint64]bool{}
	for _, e := range all {
		if len(e.Revocations) > 0 {
			revoked[e.PrimaryKey.KeyId] = true
		}
	}
	var keys openpgp.EntityList
	for _, e := range all {
		if !revoked[e.PrimaryKey.KeyId] {
			keys = append(keys, e)
		}
	}
	return keys
}
