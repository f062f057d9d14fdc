package sign

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// The files of the development key, in the folder given to DevelopmentKey.
const (
	DevelopmentKeyFile       = "kiln-dev.key"
	DevelopmentPublicKeyFile = "kiln-dev.pub"
)

// DevelopmentKey returns the local key in the folder dir, and makes it where
// there is none; created says that it was made now. It is for trying things
// out and not for production: it has no password, so whoever reads the file
// can sign with it.
//
// The files are in cosign's format, so that `cosign verify --key kiln-dev.pub`
// works. Processes that make the key at the same time all end with the same
// one.
func DevelopmentKey(dir string) (key *Key, created bool, err error) {
	key, err = readDevelopmentKey(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if created, err = makeDevelopmentKey(dir); err == nil {
			key, err = readDevelopmentKey(dir)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("opening development key: %w", err)
	}
	return key, created, nil
}

// readDevelopmentKey needs the private key's file to be there, but reads only
// the public one as long as nobody signs.
func readDevelopmentKey(dir string) (*Key, error) {
	path := filepath.Join(dir, DevelopmentKeyFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	public, err := os.ReadFile(filepath.Join(dir, DevelopmentPublicKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return restorePublic(dir, data)
	} else if err != nil {
		return nil, err
	}
	key, err := LoadPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w (remove %s to have it made again)", err,
			filepath.Join(dir, DevelopmentPublicKeyFile))
	}
	return newKey(key.public, func() (signature.SignerVerifier, error) {
		full, err := LoadKey(data, nil)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(full.der, key.der) {
			return nil, fmt.Errorf("%s and %s are not of one pair", path, DevelopmentPublicKeyFile)
		}
		return full.signer()
	})
}

// restorePublic writes the public key that belongs to a private one.
func restorePublic(dir string, private []byte) (*Key, error) {
	key, err := LoadKey(private, nil)
	if err != nil {
		return nil, err
	}
	return key, writePublic(dir, key.PublicPEM())
}

func writePublic(dir string, data []byte) error {
	tmp, err := writeTemp(dir, data, 0o644)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, DevelopmentPublicKeyFile)); err != nil {
		os.Remove(tmp) //nolint:errcheck // the rename's error is the one to tell
		return err
	}
	return nil
}

// makeDevelopmentKey reports whether the key that is there now is its own. A
// link, unlike a rename, never replaces a file, so the first process wins.
func makeDevelopmentKey(dir string) (bool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	private, public, err := generate()
	if err != nil {
		return false, err
	}
	tmp, err := writeTemp(dir, private, 0o600)
	if err != nil {
		return false, err
	}
	defer os.Remove(tmp) //nolint:errcheck // left over at worst
	err = os.Link(tmp, filepath.Join(dir, DevelopmentKeyFile))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, writePublic(dir, public)
}

// generate makes a key pair as `cosign generate-key-pair` does, with the
// empty password. Deriving a key from that protects nothing, so the cheapest
// derivation that cosign reads is used: every build that signs pays for it.
func generate() (private, public []byte, err error) {
	key, err := cosign.GeneratePrivateKey()
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := encrypted.EncryptWithCustomKDFParameters(der, nil, encrypted.Legacy)
	if err != nil {
		return nil, nil, err
	}
	public, err = cryptoutils.MarshalPublicKeyToPEM(key.Public())
	return pem.EncodeToMemory(&pem.Block{Type: cosign.SigstorePrivateKeyPemType, Bytes: sealed}), public, err
}

// writeTemp writes a new file in dir, down to the disk, and returns its name.
func writeTemp(dir string, data []byte, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(dir, ".kiln-dev-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the write's error is the one to tell
		return "", err
	}
	return f.Name(), nil
}
