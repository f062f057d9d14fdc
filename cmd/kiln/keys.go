package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/kiln-build/kiln/sign"
)

// signingKey is the key in the file, or, where file is empty, this user's
// development key, which the first build makes.
func (e *environment) signingKey(file string) (key *sign.Key, development bool, err error) {
	if file == "" {
		key, _, err = sign.DevelopmentKey(e.keys())
		return key, true, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false, fmt.Errorf("reading key: %w", err)
	}
	key, err = sign.LoadKey(data, password)
	if err != nil {
		return nil, false, keyError(file, err)
	}
	if !key.CanSign() {
		return nil, false, keyError(file, sign.ErrNoPrivateKey)
	}
	return key, false, nil
}

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
		return nil, fmt.Errorf("reading key %s: %w", file, err)
	}
	return key, nil
}

// password is that of a key file: COSIGN_PASSWORD, or what a person types.
func password() ([]byte, error) {
	if p, ok := os.LookupEnv("COSIGN_PASSWORD"); ok {
		return []byte(p), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) { //nolint:gosec // a file descriptor fits
		return nil, withHint{errors.New("the key needs a password"), "set COSIGN_PASSWORD (empty for none)"}
	}
	fmt.Fprint(os.Stderr, "password of the key: ")
	defer fmt.Fprintln(os.Stderr)
	return term.ReadPassword(int(os.Stdin.Fd())) //nolint:gosec // a file descriptor fits
}
