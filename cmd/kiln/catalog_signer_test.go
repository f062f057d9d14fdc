package main

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

// TestCatalogSigner: what a catalog says of signatures counts where nobody says
// otherwise, and of a key in a service there is no file.
func TestCatalogSigner(t *testing.T) {
	keyless := recipes.CatalogSign{Keyless: true, Identity: "ci", Issuer: "https://issuer", PublicSigstore: true}
	for name, tt := range map[string]struct {
		use  func(*cli.Context, recipes.CatalogSign) error
		s    recipes.CatalogSign
		args string
		want string
	}{
		"signs with a file":     {useSigner, recipes.CatalogSign{Key: "a.key"}, "", "key=a.key"},
		"verifies with a file":  {useVerifier, recipes.CatalogSign{Key: "a.key"}, "", "key=a.pub"},
		"another file":          {useVerifier, recipes.CatalogSign{Key: "a.key", PublicKey: "b.pub"}, "", "key=b.pub"},
		"a key in a service":    {useVerifier, recipes.CatalogSign{Key: "awskms:///alias/a.b"}, "", "key=awskms:///alias/a.b"},
		"signs as an identity":  {useSigner, keyless, "", "certificate-identity=ci certificate-oidc-issuer=https://issuer keyless=true public-sigstore=true"},
		"an identity signed":    {useVerifier, keyless, "", "certificate-identity=ci certificate-oidc-issuer=https://issuer public-sigstore=true"},
		"a flag counts more":    {useVerifier, keyless, "--key=c.pub", "key=c.pub"},
		"a flag signs":          {useSigner, keyless, "--key=c.key", "key=c.key"},
		"nobody":                {useVerifier, recipes.CatalogSign{TrustedRoot: "root.json"}, "", ""},
		"its own trusted root":  {useVerifier, recipes.CatalogSign{Key: "a.key", TrustedRoot: "root.json"}, "", "key=a.pub trusted-root=root.json"},
		"another trusted root":  {useVerifier, recipes.CatalogSign{Key: "a.key", TrustedRoot: "root.json"}, "--trusted-root=mine.json", "key=a.pub trusted-root=mine.json"},
		"signing with a config": {useSigner, recipes.CatalogSign{Key: "a.key", SigningConfig: "s.json"}, "", "key=a.key signing-config=s.json"},
	} {
		set := flag.NewFlagSet("x", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		flags := signerFlags()
		for _, f := range flags {
			check(t, f.Apply(set))
		}
		check(t, set.Parse(strings.Fields(tt.args)))
		c := cli.NewContext(&cli.App{}, set, nil)
		c.Command = &cli.Command{Flags: flags}
		check(t, tt.use(c, tt.s))
		var got []string
		set.Visit(func(f *flag.Flag) { got = append(got, f.Name+"="+f.Value.String()) })
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", name, strings.Join(got, " "), tt.want)
		}
	}
}
