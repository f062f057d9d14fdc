package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
	"github.com/kiln-build/kiln/sign"
)

// siteSigners are those whose signatures count for the pages of a catalog.
type siteSigners struct {
	identities []sign.Identity
	// flags are those by which others verify as the first of them: of kiln and
	// cosign.
	flags []string
	// rebuilders are who may have built the same again.
	rebuilders []sign.Identity
	// development is whether it is this machine's development key that counts.
	development bool
	// believed tells all of them from others.
	believed string
}

// newSiteSigners are those, and who may have built the same again.
func newSiteSigners(c *cli.Context, config *recipes.Config) (siteSigners, error) {
	s, err := chooseSigners(c, config)
	if err != nil {
		return s, err
	}
	if p := config.Policy; p != nil && p.Rebuilds != nil {
		if s.rebuilders, err = policyIdentities(c.Context, p.Rebuilds.By, nil); err != nil {
			return s, fmt.Errorf("%s: %w", config.File, err)
		}
	}
	s.believed, err = believed(c, slices.Concat(s.identities, s.rebuilders))
	return s, err
}

// chooseSigners takes whom the flags name, else whom the catalog says to sign,
// else whom the policy names. It may be nobody.
func chooseSigners(c *cli.Context, config *recipes.Config) (s siteSigners, err error) {
	said, err := anyIdentity(c)
	switch {
	case err != nil:
		return s, err
	case said != nil:
		certificate, _ := certificateFlags(c)
		return siteSigners{identities: []sign.Identity{*said}, flags: verificationFlags(c.String("key"), certificate)}, nil
	}
	ids := configuredSigners(config)
	if len(ids) == 0 {
		if ids, err = developmentSigner(c); err != nil || len(ids) == 0 {
			return s, err
		}
		s.development = true
	}
	if ids[0].Certified() {
		instance := map[string]string{"trusted-root": config.Catalog.Sign.TrustedRoot}
		if config.Catalog.Sign.PublicSigstore {
			instance["public-sigstore"] = "true"
		}
		if err := setUnset(c, instance); err != nil {
			return s, err
		}
	}
	root, err := policyRoot(c, &recipes.Policy{Identities: ids}, config.File)
	if err != nil {
		return s, err
	}
	if s.identities, err = policyIdentities(c.Context, ids, root); err != nil {
		return s, err
	}
	first := ids[0]
	s.flags = verificationFlags(first.Key, sign.CertificateIdentity{
		Subject: first.Subject, SubjectRegexp: first.SubjectRegexp, Issuer: first.Issuer, IssuerRegexp: first.IssuerRegexp,
	})
	return s, nil
}

// configuredSigners are whom kiln.yaml names.
func configuredSigners(config *recipes.Config) []recipes.PolicyIdentity {
	said := config.Catalog.Sign
	id := recipes.PolicyIdentity{Subject: said.Identity, SubjectRegexp: said.IdentityRegexp, Issuer: said.Issuer, IssuerRegexp: said.IssuerRegexp}
	switch {
	case id.Certified():
	case said.Verifier() != "":
		id.Key = said.Verifier()
	case config.Policy != nil:
		return config.Policy.Identities
	default:
		return nil
	}
	return []recipes.PolicyIdentity{id}
}

// developmentSigner is whoever has the development key of this machine, if it
// has one.
func developmentSigner(c *cli.Context) ([]recipes.PolicyIdentity, error) {
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	key := filepath.Join(env.keys(), sign.DevelopmentPublicKeyFile)
	if _, err := os.Stat(key); err != nil {
		return nil, nil
	}
	return []recipes.PolicyIdentity{{Key: key}}, nil
}

func verificationFlags(key string, who sign.CertificateIdentity) []string {
	if key != "" {
		if !sign.IsKMS(key) {
			key = filepath.Base(key)
		}
		return []string{"--key", key}
	}
	var flags []string
	for _, f := range [][2]string{
		{"--certificate-identity", who.Subject}, {"--certificate-identity-regexp", who.SubjectRegexp},
		{"--certificate-oidc-issuer", who.Issuer}, {"--certificate-oidc-issuer-regexp", who.IssuerRegexp},
	} {
		if f[1] != "" {
			flags = append(flags, f[0], f[1])
		}
	}
	return append(flags, "--trusted-root", "trusted-root.json")
}

// String names them.
func (s siteSigners) String() string {
	var names []string
	for _, id := range s.identities {
		names = append(names, id.String())
	}
	return strings.Join(names, " or ")
}

// key is the public key of the identity in PEM, empty for a certificate's.
func (s siteSigners) key(name string) string {
	for _, id := range s.identities {
		if id.Key != nil && id.String() == name {
			return string(id.Key.PublicPEM())
		}
	}
	return ""
}

// pullCommands are how to have the release.
func pullCommands(repository string, r *pageRelease) []site.Command {
	list := []site.Command{{Label: "By digest: always the same image", Text: "docker pull " + word(repository+"@"+r.Digest)}}
	if len(r.Tags) > 0 {
		tag := site.Command{Label: "By tag: whatever it names at the time", Text: "docker pull " + word(repository+":"+r.Tags[0])}
		list = append([]site.Command{tag}, list...)
	}
	return append(list, site.Command{Label: "In Kubernetes, with limits and a network policy", Text: "kiln runtime " + word(repository+"@"+r.Digest) + " | kubectl apply -f -"})
}

// commands are how to verify an image, with kiln and with cosign.
func (s siteSigners) commands(image string) []site.Command {
	if len(s.flags) == 0 {
		return nil
	}
	kiln := command("kiln", append([]string{"verify", image}, s.flags...))
	cosign := command("cosign", append([]string{"verify", image, "--new-bundle-format"}, s.flags...))
	if s.flags[0] == "--key" {
		cosign = "cosign trusted-root create --out nobody.json # trusts nobody but the key\n" + cosign + " --trusted-root nobody.json --insecure-ignore-tlog=true"
	}
	return []site.Command{{Label: "With kiln: signature, SBOM, provenance and tests", Text: kiln}, {Label: "With cosign: the signature", Text: cosign}}
}

func command(program string, args []string) string {
	for _, a := range args {
		program += " " + word(a)
	}
	return program
}

// word is a text as one word of a shell.
func word(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@=+,%", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
