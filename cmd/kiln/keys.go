package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// signer is who a build signs as. Decrypting a key takes long by design of the
// file's format, so that is done only where something is to be signed or
// verified.
type signer struct {
	// dev is whether it is this user's development key, which the first build
	// makes, and which nobody else has reason to trust.
	dev bool
	// id stands for who it is, and for what else a signature of theirs must
	// have.
	id string
	// people and verify are the name for people, and the flags with which
	// others verify.
	people, verify string
	// open makes it ready to sign, once, and who is whose signatures are its
	// own.
	open func(context.Context) (sign.Signer, error)
	who  func(context.Context) (sign.Identity, error)
	// options are where the signatures of a key go besides.
	options func(context.Context) (sign.Options, error)
}

// signer is who the flags name.
func (e *environment) signer(c *cli.Context) (*signer, error) {
	if c.Bool("keyless") {
		return e.keyless(c)
	}
	other := slices.ContainsFunc([]string{"public-sigstore", "identity-token", "oidc-flow", "oidc-issuer", "oidc-client-id"}, c.IsSet)
	if _, said := certificateFlags(c); said || other {
		return nil, withHint{usagef("kiln %s: a certificate's identity signs with --keyless only", c.Command.Name), "say --keyless, or --key FILE without them"}
	}
	instance, err := e.sigstore(c)
	if err != nil {
		return nil, err
	}
	if c.String("tlog") != "" && instance.services != nil {
		return nil, usagef("kiln %s: --tlog and --signing-config exclude each other", c.Command.Name)
	}
	return e.keyed(c.String("key"), c.String("tlog"), instance)
}

// keyed signs with a key's file, or with the development key. Signatures are
// recorded in the log, if it names one, or where the instance says.
func (e *environment) keyed(file, tlog string, instance *sigstore) (*signer, error) {
	s, key, err := e.openKey(file)
	if err != nil {
		return nil, err
	}
	s.id += instance.id + tlog
	s.open = func(ctx context.Context) (sign.Signer, error) { return key(ctx) }
	s.who = func(ctx context.Context) (who sign.Identity, err error) {
		if who.Key, err = key(ctx); err == nil && instance.root != nil {
			who.Root, err = instance.root(ctx)
		}
		return who, err
	}
	s.options = func(ctx context.Context) (o sign.Options, err error) {
		o.TLog = tlog
		if instance.services != nil {
			o.Services, err = instance.services(ctx)
		}
		return o, err
	}
	return s, nil
}

// openKey is the signer of a key's file, or of the development key, and the
// key, which is opened once.
func (e *environment) openKey(file string) (*signer, func(context.Context) (*sign.Key, error), error) {
	if file == "" {
		key, _, err := sign.DevelopmentKey(e.keys())
		if err != nil {
			return nil, nil, err
		}
		s := &signer{
			dev: true, id: key.ID(), people: "development key (local, not for production)",
			verify: "--key " + filepath.Join(e.keys(), sign.DevelopmentPublicKeyFile),
		}
		return s, func(context.Context) (*sign.Key, error) { return key, nil }, nil
	}
	if sign.IsKMS(file) {
		s := &signer{id: digestOf([]byte(file)), people: file, verify: "--key " + file}
		return s, onceWith(func(ctx context.Context) (*sign.Key, error) { return serviceKey(ctx, file) }), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading key: %w", err)
	}
	s := &signer{
		id: digestOf(data), people: file,
		verify: "--key " + strings.TrimSuffix(file, ".key") + ".pub",
	}
	return s, onceWith(func(context.Context) (*sign.Key, error) { return readKey(file, data) }), nil
}

// sign signs an image and the statements about it.
func (s *signer) sign(ctx context.Context, subject v1.Descriptor, repository string, statements []sign.Statement, existing recipes.Attached) ([]recipes.Attachment, error) {
	who, opts, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	opts.Existing = existing
	return sign.Sign(ctx, subject, repository, who, statements, opts)
}

// attest signs statements about an image, and not the image.
func (s *signer) attest(repository string, statements ...sign.Statement) push.Attach {
	return func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		who, opts, err := s.ready(ctx)
		if err != nil {
			return nil, err
		}
		opts.Existing = existing
		return sign.Attest(ctx, subject, repository, who, statements, opts)
	}
}

func (s *signer) ready(ctx context.Context) (who sign.Signer, opts sign.Options, err error) {
	if who, err = s.open(ctx); err == nil && s.options != nil {
		opts, err = s.options(ctx)
	}
	return who, opts, err
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

// serviceKey is a key in a key management service, or in a token.
func serviceKey(ctx context.Context, address string) (*sign.Key, error) {
	key, err := sign.LoadKMS(ctx, address)
	switch {
	case errors.Is(err, sign.ErrNoKMS):
		return nil, withHint{err, "build it with `go build -tags kms ./cmd/kiln`; to verify, give the public key as a file"}
	case errors.Is(err, sign.ErrNoPKCS11):
		return nil, withHint{err, "build it with `go build -tags pkcs11key ./cmd/kiln`; to verify, give the public key as a file"}
	case errors.Is(err, sign.ErrPIN):
		return nil, withHint{err, "COSIGN_PKCS11_PIN holds it"}
	}
	return key, err
}

// publicKey is the key to verify with.
func publicKey(ctx context.Context, file string) (*sign.Key, error) {
	if sign.IsKMS(file) {
		return serviceKey(ctx, file)
	}
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
	if !stdinTerminal() {
		return nil, withHint{errors.New("the key needs a password"), "set COSIGN_PASSWORD (empty for none)"}
	}
	fmt.Fprint(os.Stderr, "password of the key: ")
	defer fmt.Fprintln(os.Stderr)
	return term.ReadPassword(int(os.Stdin.Fd()))
}
