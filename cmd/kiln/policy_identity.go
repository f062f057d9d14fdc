package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// policyRoot is what the flags say to trust for the certificates of the policy's
// identities. It is nil where none of them is of certificates: a key needs none.
func policyRoot(c *cli.Context, p *recipes.Policy, file string) (*sign.Root, error) {
	certified := slices.ContainsFunc(p.Identities, recipes.PolicyIdentity.Certified)
	for _, flag := range []string{"trusted-root", "public-sigstore"} {
		if c.IsSet(flag) && !certified {
			return nil, withHint{usagef("%s: --%s says nothing with a policy of keys", c.Command.HelpName, flag), file + " says who may sign; --key FILE verifies without it"}
		}
	}
	if !certified {
		return nil, nil
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	instance, err := env.sigstore(c)
	if err != nil {
		return nil, err
	}
	if instance.root == nil {
		return nil, withHint{usagef("%s: an identity of %s is that of a certificate, and needs --trusted-root", c.Command.HelpName, file),
			"it is the file that describes your Sigstore instance; --public-sigstore is the one for everybody"}
	}
	return instance.root(c.Context)
}

// policyIdentities are those whom a policy names. Certificates are believed as
// trusted says.
func policyIdentities(ctx context.Context, list []recipes.PolicyIdentity, trusted *sign.Root) ([]sign.Identity, error) {
	var all []sign.Identity
	for _, id := range list {
		if !id.Certified() {
			key, err := publicKey(ctx, id.Key)
			if err != nil {
				return nil, err
			}
			all = append(all, sign.Identity{Key: key})
			continue
		}
		certificate := sign.CertificateIdentity{
			Subject: id.Subject, SubjectRegexp: id.SubjectRegexp, Issuer: id.Issuer, IssuerRegexp: id.IssuerRegexp,
		}
		if err := certificate.Check(); err != nil {
			return nil, fmt.Errorf("identity %s: %w", certificate, err)
		}
		all = append(all, sign.Identity{Certificate: &certificate, Root: trusted})
	}
	if len(all) == 0 {
		return nil, errors.New("the policy names nobody who may sign")
	}
	return all, nil
}
