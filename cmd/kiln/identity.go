package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

// identityFlags say whose signatures count besides those of a key, by the names
// that cosign has for them.
func identityFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "certificate-identity", Usage: "the `SUBJECT` of the certificate that must have signed"},
		&cli.StringFlag{Name: "certificate-identity-regexp", Usage: "the same as a regular `EXPRESSION` that the whole subject must match"},
		&cli.StringFlag{Name: "certificate-oidc-issuer", Usage: "the `ISSUER` of the identity that the certificate was issued for"},
		&cli.StringFlag{Name: "certificate-oidc-issuer-regexp", Usage: "the same as a regular `EXPRESSION` that the whole issuer must match"},
	}, instanceFlags()...)
}

// instanceFlags say which Sigstore instance to believe.
func instanceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "trusted-root", Usage: "Sigstore trusted root `FILE`: one of its transparency logs must have recorded all signatures, and its authorities certify identities"},
		&cli.BoolFlag{Name: "public-sigstore", Usage: "trust, and with --keyless use, Sigstore's public good instance, which publishes what is signed and by whom"},
	}
}

// whoFlags name who must have signed what is read from a registry.
func whoFlags() []cli.Flag {
	flags := append([]cli.Flag{&cli.StringFlag{Name: "key", Usage: "public key `FILE` that must have signed"}}, identityFlags()...)
	return append(flags, registryFlags()...)
}

// certificateFlags are the flags that describe a certificate, with their
// values.
func certificateFlags(c *cli.Context) (sign.CertificateIdentity, bool) {
	id := sign.CertificateIdentity{
		Subject: c.String("certificate-identity"), SubjectRegexp: c.String("certificate-identity-regexp"),
		Issuer: c.String("certificate-oidc-issuer"), IssuerRegexp: c.String("certificate-oidc-issuer-regexp"),
	}
	return id, id != sign.CertificateIdentity{}
}

// identity is whose signatures count.
func identity(c *cli.Context) (who sign.Identity, err error) {
	certificate, said := certificateFlags(c)
	if c.String("key") == "" && !said {
		return who, withHint{usagef("kiln %s: no identity to verify with", c.Command.Name),
			"--key FILE names the public key that must have signed, --certificate-identity and --certificate-oidc-issuer an identity"}
	}
	env, err := newEnvironment(c)
	if err != nil {
		return who, err
	}
	instance, err := env.sigstore(c)
	if err != nil {
		return who, err
	}
	switch {
	case said && c.String("key") != "":
		return who, usagef("kiln %s: --key and a certificate's identity exclude each other", c.Command.Name)
	case said:
		if who.Certificate, err = &certificate, certificate.Check(); err != nil {
			return who, usagef("kiln %s: %w", c.Command.Name, err)
		}
		if instance.root == nil {
			return who, withHint{usagef("kiln %s: a certificate's identity needs --trusted-root", c.Command.Name),
				"it is the file that describes your Sigstore instance; --public-sigstore is the one for everybody"}
		}
	default:
		if who.Key, err = publicKey(c.Context, c.String("key")); err != nil {
			return who, err
		}
	}
	if instance.root != nil {
		who.Root, err = instance.root(c.Context)
	}
	return who, err
}

// anyIdentity is whose signatures count, nil where nobody is named.
func anyIdentity(c *cli.Context) (*sign.Identity, error) {
	if _, said := certificateFlags(c); c.String("key") == "" && !said {
		for _, flag := range []string{"trusted-root", "public-sigstore"} {
			if c.IsSet(flag) {
				return nil, usagef("--%s: says nothing without --key or --certificate-identity", flag)
			}
		}
		return nil, nil
	}
	who, err := identity(c)
	return &who, err
}
