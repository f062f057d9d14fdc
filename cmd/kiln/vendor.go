package main

import (
	"context"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/inputs"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

func vendorCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "push", Usage: "push to `REPOSITORY[:TAG]`; the tag is the recipe's version unless given"},
		&cli.StringFlag{Name: "oci", Usage: "without --push: write an OCI layout to `FOLDER` (default: NAME-inputs.oci)"},
		variantFlag(),
	}
	flags = append(flags, signerFlags()...)
	flags = append(flags, registryFlags()...)
	flags = append(flags, mirrorFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "vendor", Usage: "store all that a recipe's lock names as one signed artifact", ArgsUsage: "RECIPE",
		Description: "The artifact holds the packages, sources, git trees, fetched files and registry images\n" +
			"that the lock names for all platforms. `kiln build --offline --inputs ARTIFACT` builds\n" +
			"from it, without other network, the same image.",
		Flags: flags, OnUsageError: usageError,
		Action: runVendor,
	}
}

// vendor is one run of kiln vendor.
type vendor struct {
	env    *environment
	recipe *recipes.Recipe
	lock   *recipes.Lock
	store  *blobs.Store
	images *registryImages
	set    *inputs.Set
	stderr io.Writer
}

func runVendor(c *cli.Context) error {
	list, err := chosen(c)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return usagef("kiln vendor: want one variant, got %d", len(list))
	}
	v := &vendor{recipe: list[0], stderr: c.App.ErrWriter}
	if v.env, err = newEnvironment(c); err != nil {
		return err
	}
	signer, err := v.env.signer(c)
	if err != nil {
		return err
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return err
	}
	where, err := newTarget(c, v.recipe, registry, v.recipe.Tagged(v.recipe.Name)+"-inputs.oci")
	if err != nil {
		return err
	}
	v.images = &registryImages{registry: registry}
	if v.store, err = v.env.blobs(); err != nil {
		return err
	}
	if v.lock, err = fittingLock(v.recipe); err != nil {
		return err
	}
	img, err := v.artifact(c.Context)
	if err != nil {
		return err
	}
	return v.publish(c, img, where, signer)
}

func (v *vendor) publish(c *cli.Context, img v1.Image, where target, signer *signer) error {
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	attach := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		return signer.sign(ctx, subject, where.repository(), nil, existing)
	}
	if err := where.put(c.Context, img, attach); err != nil {
		return err
	}
	var size int64
	for _, e := range v.set.Entries {
		size += e.Size
	}
	if _, err := fmt.Fprintf(v.stderr, "%s: %d inputs, %s\n", v.recipe.Title(), len(v.set.Entries), megabytes(size)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, where.reference(digest))
	return err
}

// artifact collects everything.
func (v *vendor) artifact(ctx context.Context) (v1.Image, error) {
	lock, err := v.lock.Digest()
	if err != nil {
		return nil, err
	}
	v.set = &inputs.Set{Recipe: v.recipe.Name, Version: v.recipe.Version, Lock: lock, Entries: inputs.Files(v.lock)}
	m := newMeter(os.Stderr, "downloading", stderrTerminal())
	defer m.clear()
	if err := v.collect(ctx, m); err != nil {
		return nil, err
	}
	return v.set.Image(v.store)
}

func (v *vendor) collect(ctx context.Context, m *meter) error {
	debian, err := v.env.archive(v.store, v.lock, m.report)
	if err != nil {
		return err
	}
	trees, err := builder.LocalTrees(ctx, v.recipe)
	if err != nil {
		return err
	}
	if err := v.goModules(ctx); err != nil {
		return err
	}
	display, err := progress.New(os.Stderr, "quiet")
	if err != nil {
		return err
	}
	bases := v.env.bases(ctx, v.recipe)
	conns := &engines{env: v.env}
	defer conns.close()
	for _, p := range v.lock.Platforms {
		conn, err := conns.running(ctx, p.RunsOn())
		if err != nil {
			return err
		}
		e := &builder.Engine{Client: conn.Client, Store: v.store, Secrets: v.env.secrets(), Bases: bases, Display: display}
		fetch := &builder.Fetcher{Engine: e, Memo: v.env.memo(), Kept: v.keep(inputs.KindFetch)}
		prepare := v.env.preparer(debian, v.images, e)
		prepare.Git = v.git(fetch)
		in, err := prepare.Prepare(ctx, v.recipe, v.lock, trees, p.Platform)
		if err != nil {
			return err
		}
		if _, err := fetch.Fetch(ctx, v.recipe, v.lock, p.Platform, in); err != nil {
			return err
		}
		if err := debian.Fetch(ctx, filesOf(p)); err != nil {
			return err
		}
		if err := v.registryImages(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
