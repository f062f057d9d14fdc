package main

import (
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

// attest attaches a verification summary, signed by who verified.
func (p *policyRun) attest(c *cli.Context, j *judgement) error {
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	signer, err := env.keyed(c.String("sign-key"), c.String("tlog"), &sigstore{})
	if err != nil {
		return err
	}
	who, err := signer.who(c.Context)
	if err != nil {
		return err
	}
	predicate, err := sign.Summary(sign.SummaryInput{
		Kiln: version(), Time: p.now, Reference: j.Reference, Policy: filepath.Base(p.file), PolicyDigest: p.sum,
		Inputs: p.inputs, Built: p.built,
	})
	if err != nil {
		return err
	}
	attach := signer.attest(p.repo.Name(), sign.Statement{PredicateType: sign.PredicateVSA, Predicate: predicate})
	if err := p.attach(c.Context, []v1.Descriptor{p.found.Descriptor}, attach); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.ErrWriter, "  attached    %s, signed by %s\n", sign.PredicateVSA, who)
	return err
}
