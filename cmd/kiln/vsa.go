package main

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// attest attaches a verification summary, signed by who verified.
func (p *policyRun) attest(c *cli.Context, j *judgement) error {
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	_, open, err := env.keyed(c.String("sign-key"))
	if err != nil {
		return err
	}
	key, err := open()
	if err != nil {
		return err
	}
	predicate, err := sign.Summary(sign.SummaryInput{
		Kiln: version(), Time: p.now, Reference: j.Reference, Policy: filepath.Base(p.file), PolicyDigest: p.digest,
		Inputs: p.inputs, Built: p.built,
	})
	if err != nil {
		return err
	}
	statement := []sign.Statement{{PredicateType: sign.PredicateVSA, Predicate: predicate}}
	attach := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		return sign.Attest(ctx, subject, p.repo.Name(), key, statement, sign.Options{TLog: c.String("tlog"), Existing: existing})
	}
	if err := p.registry.Attach(c.Context, p.repo, []v1.Descriptor{p.found.Descriptor}, attach); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.ErrWriter, "  attached    %s, signed by %s\n", sign.PredicateVSA, key.ID())
	return err
}
