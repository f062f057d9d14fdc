package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

// statementFlags say who signs a statement, in a command whose --key verifies.
func statementFlags(what string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "sign-key", EnvVars: []string{"KILN_KEY"}, Usage: "cosign key `FILE` to sign " + what + " with, its password in COSIGN_PASSWORD (default: a development key)"},
		&cli.StringFlag{Name: "tlog", Usage: "record the signature of " + what + " in the transparency log at `URL`"},
	}
}

// signerFlags say who signs.
func signerFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "key", EnvVars: []string{"KILN_KEY"}, Usage: "cosign key `FILE` to sign with, its password in COSIGN_PASSWORD (default: a development key)"},
		&cli.StringFlag{Name: "tlog", Usage: "record signatures in the transparency log at `URL`"},
	}, append(keylessFlags(), identityFlags()...)...)
}

// keylessFlags say how to sign as an identity.
func keylessFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "keyless", Usage: "sign as the identity of --certificate-identity, with a certificate for minutes, in place of a key"},
		&cli.StringFlag{Name: "signing-config", Usage: "Sigstore signing config `FILE`: the servers that certify, record and stamp signatures"},
		&cli.StringFlag{Name: "identity-token", Usage: "`FILE` with the identity token for --keyless (default: SIGSTORE_ID_TOKEN, GitHub Actions, or a browser)"},
		&cli.StringFlag{Name: "oidc-flow", Usage: "how a person gets an identity token: browser for one here, device for one anywhere"},
		&cli.StringFlag{Name: "oidc-issuer", Usage: "`URL` of the OpenID Connect provider for that (default: the signing config's)"},
		&cli.StringFlag{Name: "oidc-client-id", Value: sign.Audience, Usage: "what the provider knows kiln as"},
	}
}

// sigstore is an instance as flags name it. What costs network waits until it
// is needed.
type sigstore struct {
	// id stands for what is trusted and used.
	id       string
	root     func(context.Context) (*sign.Root, error) // nil where nothing is named
	services func(context.Context) (*sign.Services, error)
}

func (e *environment) sigstore(c *cli.Context) (*sigstore, error) {
	trusted, config := c.String("trusted-root"), c.String("signing-config")
	if c.Bool("public-sigstore") {
		if c.IsSet("trusted-root") || c.IsSet("signing-config") {
			return nil, usagef("kiln %s: --public-sigstore excludes --trusted-root and --signing-config", c.Command.Name)
		}
		return e.publicSigstore(), nil
	}
	s := &sigstore{}
	if trusted != "" {
		text, root, err := readRoot(trusted)
		if err != nil {
			return nil, err
		}
		s.id = digestOf(text)
		s.root = func(context.Context) (*sign.Root, error) { return root, nil }
	}
	if config != "" {
		text, services, err := readServices(config)
		if err != nil {
			return nil, err
		}
		s.id += digestOf(text)
		s.services = func(context.Context) (*sign.Services, error) { return services, nil }
	}
	return s, nil
}

func (e *environment) publicSigstore() *sigstore {
	return &sigstore{
		id:   "public",
		root: func(ctx context.Context) (*sign.Root, error) { return sign.PublicRoot(ctx, e.cache) },
		services: func(ctx context.Context) (*sign.Services, error) {
			return sign.PublicServices(ctx, e.cache, time.Now())
		},
	}
}

func readRoot(file string) ([]byte, *sign.Root, error) {
	text, err := os.ReadFile(file)
	var root *sign.Root
	if err == nil {
		root, err = sign.LoadRoot(text)
	}
	if err != nil {
		return nil, nil, withHint{fmt.Errorf("reading --trusted-root: %w", err), "`cosign trusted-root create --rekor …` makes such a file"}
	}
	return text, root, nil
}

func readServices(file string) ([]byte, *sign.Services, error) {
	text, err := os.ReadFile(file)
	var services *sign.Services
	if err == nil {
		services, err = sign.LoadServices(text, time.Now())
	}
	if err != nil {
		return nil, nil, withHint{fmt.Errorf("reading --signing-config: %w", err), "`cosign signing-config create …` makes such a file"}
	}
	return text, services, nil
}

// keyless signs as an identity. Whose that is has to be said: without it nobody
// could tell whether an image that is there already was signed by the same.
func (e *environment) keyless(c *cli.Context) (*signer, error) {
	if c.String("key") != "" || c.String("tlog") != "" {
		return nil, usagef("kiln %s: --keyless excludes --key and --tlog", c.Command.Name)
	}
	certificate, err := certificateOf(c)
	if err != nil {
		return nil, err
	}
	instance, err := e.sigstore(c)
	if err != nil {
		return nil, err
	}
	if instance.root == nil || instance.services == nil {
		return nil, withHint{usagef("kiln %s: --keyless needs --signing-config and --trusted-root", c.Command.Name),
			"they describe your Sigstore instance; --public-sigstore is the one for everybody, which publishes names of images and people"}
	}
	token, err := tokens(c, instance)
	if err != nil {
		return nil, err
	}
	who := onceWith(func(ctx context.Context) (sign.Identity, error) {
		root, err := instance.root(ctx)
		return sign.Identity{Certificate: &certificate, Root: root}, err
	})
	id, err := json.Marshal(certificate)
	if err != nil {
		return nil, err
	}
	return &signer{
		id: digestOf(append(id, instance.id...)), who: who, people: "keyless, " + certificate.String(), verify: verifyFlags(c, certificate),
		open: onceWith(func(ctx context.Context) (sign.Signer, error) {
			services, err := instance.services(ctx)
			if err != nil {
				return nil, err
			}
			identity, err := who(ctx)
			if err != nil {
				return nil, err
			}
			return sign.NewKeyless(sign.KeylessConfig{Identity: identity, Services: services, Token: token, Now: time.Now})
		}),
	}, nil
}

// onceWith remembers the first result, which is got with the first context.
func onceWith[T any](get func(context.Context) (T, error)) func(context.Context) (T, error) {
	var once sync.Once
	var value T
	var err error
	return func(ctx context.Context) (T, error) {
		once.Do(func() { value, err = get(ctx) })
		return value, err
	}
}

// certificateOf is the identity of flags, or that of the workflow that runs.
func certificateOf(c *cli.Context) (sign.CertificateIdentity, error) {
	id, said := certificateFlags(c)
	workflow := os.Getenv("GITHUB_WORKFLOW_REF")
	if !said && os.Getenv("GITHUB_ACTIONS") == "true" && workflow != "" {
		id = sign.CertificateIdentity{
			Subject: os.Getenv("GITHUB_SERVER_URL") + "/" + workflow, Issuer: "https://token.actions.githubusercontent.com",
		}
	}
	if err := id.Check(); err != nil {
		return id, withHint{usagef("kiln %s: %w", c.Command.Name, err),
			"--certificate-identity and --certificate-oidc-issuer say whose signatures count, as the certificate has it: an address of mail, or of a workflow"}
	}
	return id, nil
}

// verifyFlags are those with which others verify.
func verifyFlags(c *cli.Context, id sign.CertificateIdentity) string {
	flags := "--certificate-identity " + id.Subject
	if id.Subject == "" {
		flags = "--certificate-identity-regexp '" + id.SubjectRegexp + "'"
	}
	if id.Issuer != "" {
		flags += " --certificate-oidc-issuer " + id.Issuer
	} else {
		flags += " --certificate-oidc-issuer-regexp '" + id.IssuerRegexp + "'"
	}
	if c.Bool("public-sigstore") {
		return flags + " --public-sigstore"
	}
	return flags + " --trusted-root " + c.String("trusted-root")
}

// tokens finds the way to an identity token, and fails at once where there is
// none.
func tokens(c *cli.Context, instance *sigstore) (func(context.Context) (string, error), error) {
	if file := c.String("identity-token"); file != "" {
		return func(context.Context) (string, error) {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("reading --identity-token: %w", err)
			}
			token, err := sign.CheckToken(string(text))
			if err != nil {
				return "", fmt.Errorf("reading --identity-token %s: %w", file, err)
			}
			return token, nil
		}, nil
	}
	if token := os.Getenv("SIGSTORE_ID_TOKEN"); token != "" {
		token, err := sign.CheckToken(token)
		if err != nil {
			return nil, fmt.Errorf("reading SIGSTORE_ID_TOKEN: %w", err)
		}
		return func(context.Context) (string, error) { return token, nil }, nil
	}
	if c.String("oidc-flow") == "" && os.Getenv("GITHUB_ACTIONS") == "true" {
		return actionsToken()
	}
	return login(c, instance)
}

// permissionsHint has the lines as they stand in a workflow's job.
const permissionsHint = `add to the job, and for a reusable workflow to the job that calls it (runs for forks never may):
    permissions:
      contents: read
      id-token: write`

func actionsToken() (func(context.Context) (string, error), error) {
	url, bearer := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if url == "" || bearer == "" {
		return nil, withHint{errors.New("this job of GitHub Actions may not have an identity token"), permissionsHint}
	}
	return func(ctx context.Context) (string, error) { return sign.ActionsToken(ctx, url, bearer) }, nil
}

// login asks a person, where there is one.
func login(c *cli.Context, instance *sigstore) (func(context.Context) (string, error), error) {
	flow := c.String("oidc-flow")
	switch {
	case flow == "" && !stdinTerminal():
		return nil, withHint{errors.New("there is no identity token to sign with"),
			"--identity-token FILE or SIGSTORE_ID_TOKEN holds one; --oidc-flow device lets a person log in elsewhere"}
	case flow != "" && flow != "browser" && flow != "device":
		return nil, usagef("--oidc-flow: want browser or device, got %q", flow)
	}
	return func(ctx context.Context) (string, error) {
		issuer := c.String("oidc-issuer")
		if issuer == "" {
			services, err := instance.services(ctx)
			if err != nil {
				return "", err
			}
			issuer = services.Issuer()
		}
		if issuer == "" {
			return "", withHint{errors.New("the signing config names no issuer of identity tokens"), "--oidc-issuer URL names one"}
		}
		return sign.Login{
			Issuer: issuer, Client: c.String("oidc-client-id"), Device: flow == "device", Say: os.Stderr, Answer: os.Stdin,
		}.Token(ctx)
	}, nil
}
