package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

// useSigner gives flags that nobody set what the catalog says of who signs.
func useSigner(c *cli.Context, s recipes.CatalogSign) error {
	if c.String("key") != "" || c.Bool("keyless") {
		return nil
	}
	flags := sigstoreOf(s)
	flags["key"], flags["signing-config"] = s.Key, s.SigningConfig
	return setUnset(c, flags)
}

// useVerifier gives flags that nobody set what the catalog says of whose
// signatures count.
func useVerifier(c *cli.Context, s recipes.CatalogSign) error {
	if _, said := certificateFlags(c); said || c.String("key") != "" || s.Verifier() == "" && !s.Keyless {
		return nil
	}
	flags := sigstoreOf(s)
	delete(flags, "keyless") // is about signing
	flags["key"] = s.Verifier()
	return setUnset(c, flags)
}

// sigstoreOf is the identity that signs, and the instance that vouches for it.
func sigstoreOf(s recipes.CatalogSign) map[string]string {
	flags := map[string]string{
		"certificate-identity": s.Identity, "certificate-identity-regexp": s.IdentityRegexp,
		"certificate-oidc-issuer": s.Issuer, "certificate-oidc-issuer-regexp": s.IssuerRegexp,
		"trusted-root": s.TrustedRoot,
	}
	for flag, set := range map[string]bool{"keyless": s.Keyless, "public-sigstore": s.PublicSigstore} {
		if set {
			flags[flag] = "true"
		}
	}
	return flags
}

// setUnset sets flags that nobody set, where there is something to set them to.
func setUnset(c *cli.Context, flags map[string]string) error {
	for flag, value := range flags {
		if value == "" || c.IsSet(flag) {
			continue
		}
		if err := c.Set(flag, value); err != nil {
			return err
		}
	}
	return nil
}
