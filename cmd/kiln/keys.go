package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/term"

	"github.com/kiln-build/kiln/sign"
)

// signer is the key that a build signs with. Decrypting it takes long by
// design of the file's format, so that is done only where something is to be
// signed or verified.
type signer struct {
	// file is empty for this user's development key, which the first build
	// makes.
	file string
	// id stands for the key: the sha256 of its file.
	id string
	// key decrypts, once.
	key func() (*sign.Key, error)
}

func (e *environment) signer(file string) (*signer, error) {
	if file == "" {
		key, _, err := sign.DevelopmentKey(e.keys())
		if err != nil {
			return nil, err
		}
		return &signer{id: key.ID(), key: func() (*sign.Key, error) { return key, nil }}, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	sum := sha256.Sum256(data)
	return &signer{file: file, id: hex.EncodeToString(sum[:]), key: sync.OnceValues(func() (*sign.Key, error) {
		return readKey(file, data)
	})}, nil
}

func readKey(file string, data []byte) (*sign.Key, error) {
	key, err := sign.LoadKey(data, password)
	if err != nil {
		return nil, keyError(file, err)
	}
	if !key.CanSign() {
		return nil, keyError(file, sign.ErrNoPrivateKey)
	}
	return key, nil
}

// development is whether the key is one that nobody else has reason to trust.
func (s *signer) development() bool { return s.file == "" }

func keyError(file string, err error) error {
	err = fmt.Errorf("reading key %s: %w", file, err)
	switch {
	case errors.Is(err, sign.ErrPassword):
		return withHint{err, "COSIGN_PASSWORD holds the password that the key was made with"}
	case errors.Is(err, sign.ErrNoPrivateKey):
		return withHint{err, "sign with the private half; `cosign generate-key-pair` makes both"}
	}
	return err
}

func (e *environment) keys() string { return filepath.Join(e.state, "keys") }

// publicKey is the key to verify with.
func publicKey(file string) (*sign.Key, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	key, err := sign.LoadPublicKey(data)
	if err != nil {
		return nil, withHint{fmt.Errorf("reading key %s: %w", file, err), "verify with the public half of the key, in PEM, such as cosign.pub"}
	}
	return key, nil
}

// passwordVariable is what cosign calls it.
const passwordVariable = "COSIGN_PASSWORD"

// password is that of a key file: COSIGN_PASSWORD, or what a person types.
func password() ([]byte, error) {
	if p, ok := os.LookupEnv(passwordVariable); ok {
		return []byte(p), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, withHint{errors.New("the key needs a password"), "set COSIGN_PASSWORD (empty for none)"}
	}
	fmt.Fprint(os.Stderr, "password of the key: ")
	defer fmt.Fprintln(os.Stderr)
	return term.ReadPassword(int(os.Stdin.Fd()))
}
