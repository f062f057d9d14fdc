package main

import (
	"context"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
)

// make builds, tests, describes, signs and publishes. The key is decrypted
// meanwhile, unless a person has to be asked for its password; where it cannot
// be, the build ends at once.
func (b *build) make(ctx context.Context, res *result) error {
	if _, set := os.LookupEnv(passwordVariable); !set {
		if _, err := b.signer.open(ctx); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := b.signer.open(ctx)
		return err
	})
	g.Go(func() error { return b.makeImages(ctx, res) })
	return g.Wait()
}

func (b *build) makeImages(ctx context.Context, res *result) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	if err := b.keepFolder(ctx); err != nil {
		return err
	}
	engines := &engines{env: b.env}
	defer engines.close()
	jobs, err := b.jobs(ctx, engines, res)
	if err != nil {
		return err
	}
	b.clock.lap("engine")
	g, gctx := errgroup.WithContext(ctx)
	if b.failure.shell { // a terminal is for one of them
		g.SetLimit(1)
	}
	for _, j := range jobs {
		g.Go(func() error { return b.of(j.platform, j.run(gctx)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	made, err := b.compose(jobs, res)
	if err != nil {
		return err
	}
	b.clock.lap("build")
	if err := b.publish(ctx, made, res); err != nil {
		return err
	}
	b.clock.lap("publish")
	b.writeCaches(ctx, jobs)
	return b.loadImage(ctx, jobs, res)
}

// goods are what a build publishes: an image, or an index over images, and what
// is said about each of them.
type goods struct {
	top        push.Manifest
	statements map[v1.Hash][]sign.Statement
}

// compose puts the images of all platforms together.
func (b *build) compose(jobs []*job, res *result) (goods, error) {
	made := goods{statements: map[v1.Hash][]sign.Statement{}}
	var images []image.Platform
	for _, j := range jobs {
		images = append(images, image.Platform{Name: j.platform, Image: j.image})
		made.statements[j.digest] = j.statements
	}
	if !b.index() {
		made.top = jobs[0].image
		b.place(res, jobs[0].digest)
		return made, nil
	}
	index, err := image.Index(b.recipe, b.lock, res.Key, images)
	if err != nil {
		return goods{}, err
	}
	digest, err := index.Digest()
	if err != nil {
		return goods{}, err
	}
	made.top = index
	b.place(res, digest)
	made.statements[digest], err = b.describeIndex(jobs, digest, res.Key)
	return made, err
}
