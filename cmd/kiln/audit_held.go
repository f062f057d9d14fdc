package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// readHeld reads what images are to be held to: the policy, or whom flags name,
// or else who signs for the catalog.
func (a *auditor) readHeld(c *cli.Context) error {
	if err := a.signedForCatalog(c); err != nil {
		return err
	}
	held, err := readPolicy(c)
	if err != nil {
		return err
	}
	if held == nil {
		who, err := anyIdentity(c)
		if err != nil || who == nil {
			return err
		}
		// The policy of an identity alone asks for what kiln verify asks for.
		held = &policyRun{policy: &recipes.Policy{Identities: make([]recipes.PolicyIdentity, 1)}, identities: []sign.Identity{*who}, now: a.now}
	}
	a.held = held
	a.believed, err = believed(c, slices.Concat(held.identities, held.rebuilders))
	return err
}

// signedForCatalog sets the flags that name whom the catalog's images are signed
// by, where nothing else is said.
func (a *auditor) signedForCatalog(c *cli.Context) error {
	_, said := certificateFlags(c)
	if a.catalog == nil || said || c.String("key") != "" || c.String("policy") != "" || configOf(c).Policy != nil {
		return nil
	}
	return useVerifier(c, a.catalog.Config.Catalog.Sign)
}

// believed tells identities from others. What a Sigstore instance is trusted for
// may change within its validity, and so counts for a day.
func believed(c *cli.Context, list []sign.Identity) (string, error) {
	var parts []any
	for _, id := range list {
		if id.Key != nil {
			parts = append(parts, string(id.Key.PublicPEM()))
		} else {
			parts = append(parts, id.Certificate)
		}
		if id.Root == nil {
			continue
		}
		m, err := id.Root.Material()
		if err != nil {
			return "", err
		}
		parts = append(parts, m, today())
		if file := c.String("trusted-root"); file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("reading trusted root: %w", err)
			}
			parts = append(parts, digestOf(text))
		}
	}
	return memo.Key(parts...)
}
