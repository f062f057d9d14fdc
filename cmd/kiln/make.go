package main

import (
	"context"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// make builds, tests, describes, signs and publishes. The key is decrypted
// meanwhile, unless a person has to be asked for its password; where it cannot
// be, the build ends at once.
func (b *build) make(ctx context.Context, res *result, trees builder.Trees) error {
	if _, set := os.LookupEnv(passwordVariable); !set {
		if _, err := b.signer.key(); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := b.signer.key()
		return err
	})
	g.Go(func() error { return b.makeImage(ctx, res, trees) })
	return g.Wait()
}

func (b *build) makeImage(ctx context.Context, res *result, trees builder.Trees) error {
	sp, err := spool.New("")
	if err != nil {
		return err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	conn, err := b.env.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	res.Engine = conn.Where()
	b.clock.lap("engine")
	e := &builder.Engine{Client: conn.Client, Store: b.store, Secrets: b.env.secrets(), Display: b.display}
	made, err := b.assemble(ctx, e, sp, trees, res.Key)
	if err != nil {
		return err
	}
	if res.Tests, err = e.Test(ctx, b.recipe, made.Image, b.platform); err != nil {
		return err
	}
	b.clock.lap("test")
	statements, err := b.describe(conn, made, trees, res)
	if err != nil {
		return err
	}
	b.clock.lap("describe")
	if err := b.publish(ctx, made.Image, statements, res); err != nil {
		return err
	}
	b.clock.lap("publish")
	return b.loadImage(ctx, made.Image, res)
}

// assemble compiles the service and composes its image.
func (b *build) assemble(ctx context.Context, e *builder.Engine, sp *spool.Spool, trees builder.Trees, key string) (*image.Result, error) {
	downloads := newMeter(os.Stderr, "downloading", b.display.Terminal())
	debian, err := b.env.archive(b.store, b.lock, downloads.report)
	if err != nil {
		return nil, err
	}
	images := &registryImages{registry: b.registry}
	prepare := &builder.Preparer{
		Archive: debian, Sources: b.env.sources(b.store, debian), Store: b.store, Memo: b.env.memo(), Image: images.image,
		Warm: e.Warm,
	}
	inputs, err := prepare.Prepare(ctx, b.recipe, b.lock, trees, b.platform)
	downloads.clear()
	if err != nil {
		return nil, err
	}
	b.clock.lap("prepare")
	plan, err := builder.NewPlan(b.recipe, b.lock, b.platform, inputs)
	if err != nil {
		return nil, err
	}
	artifacts, err := e.Compile(ctx, plan, sp)
	if err != nil {
		return nil, err
	}
	b.clock.lap("compile")
	in := image.Input{
		Recipe: b.recipe, Lock: b.lock, Platform: b.platform, Artifacts: artifacts, Key: key,
		Store: b.store, Memo: b.env.memo(),
		Lists: func(ctx context.Context) (map[string]string, error) { return e.FileLists(ctx, plan, sp) },
		Fetch: func(ctx context.Context, pkgs []recipes.Package) error {
			return debian.Fetch(ctx, archive.FilesOf(pkgs))
		},
	}
	if _, own := image.BasePackages(b.recipe.Image.Base); !own {
		if in.Base, err = images.image(ctx, b.recipe.Image.Base, b.platform); err != nil {
			return nil, err
		}
	}
	made, err := image.Assemble(ctx, in)
	b.clock.lap("assemble")
	return made, err
}
