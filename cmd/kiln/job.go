package main

import (
	"context"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// job is the build for one platform.
type job struct {
	*build
	platform string
	key      string
	res      *platformResult
	// conn compiles, and tester runs the tests.
	conn, tester *engine.Engine
	debian       *archive.Client
	bases        func() (map[string][]string, error)
	// downloads shows those of all jobs.
	downloads *meter
	display   *progress.Display
	clock     *stopwatch

	// What run leaves.
	plan       *builder.Plan
	image      v1.Image
	digest     v1.Hash
	document   sbom.IndexImage // of what is in the image
	statements []sign.Statement
}

// jobs are the builds for all platforms; they go on at the same time.
func (b *build) jobs(ctx context.Context, engines *engines, res *result) ([]*job, error) {
	downloads := newMeter(os.Stderr, "downloading", b.display.Terminal())
	debian, err := b.env.archive(b.store, b.lock, downloads.report)
	if err != nil {
		return nil, err
	}
	bases := b.env.bases(ctx, b.recipe)
	var jobs []*job
	for i, p := range b.platforms {
		j := &job{build: b, platform: p, key: b.keys[i], debian: debian, bases: bases, downloads: downloads, display: b.display, clock: b.clock}
		if err := j.connect(ctx, engines); err != nil {
			return nil, b.of(p, err)
		}
		j.res = &platformResult{Platform: p, Engine: j.conn.Where()}
		if b.index() {
			j.display, j.clock = b.display.Labelled(p), newStopwatch(b.clock.now)
			j.res.Timings = j.clock.laps
		}
		res.Platforms = append(res.Platforms, j.res)
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// connect finds the engines that run the build and the tests.
func (j *job) connect(ctx context.Context, engines *engines) error {
	locked, err := j.lock.For(j.platform)
	if err != nil {
		return err
	}
	if j.conn, err = engines.running(ctx, locked.RunsOn()); err != nil {
		return err
	}
	j.tester, err = engines.testing(ctx, j.platform, j.conn)
	return err
}

// engine is how an engine carries out what this job needs.
func (j *job) engine(conn *engine.Engine) *builder.Engine {
	return &builder.Engine{
		Client: conn.Client, Store: j.store, Secrets: j.env.secrets(), Bases: j.bases, Display: j.display,
		CacheFrom: j.caches.of(j.recipe, j.platform).from, Keychain: j.keychain,
		Trace: j.trace != nil, Runner: readRunner, Emulator: func(arch string) string { return engine.Emulator(os.Environ(), arch) },
	}
}

// run builds, tests and describes the image.
func (j *job) run(ctx context.Context) error {
	sp, err := spool.New("")
	if err != nil {
		return err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	e := j.engine(j.conn)
	e.OnFailure = j.failure.look()
	made, err := j.assemble(ctx, e, sp)
	if err != nil {
		return err
	}
	if err := j.take(made); err != nil {
		return err
	}
	j.res.Tests, err = j.engine(j.tester).Test(ctx, j.recipe, made.Image, j.platform)
	j.report.add(j.recipe, j.platform, j.res.Tests, err)
	j.trace.add(j.platform, j.res.Tests)
	if err != nil {
		return err
	}
	j.clock.lap("test")
	j.statements, err = j.describe(ctx, made)
	j.clock.lap("describe")
	return err
}

// take notes the image that was made.
func (j *job) take(made *image.Result) (err error) {
	j.image = made.Image
	if j.digest, err = made.Image.Digest(); err != nil {
		return err
	}
	manifest, err := made.Image.Manifest()
	if err != nil {
		return err
	}
	j.res.Digest, j.res.Reference = j.digest.String(), j.target.reference(j.digest)
	j.res.Packages, j.res.Added, j.res.Hardening = len(made.Content.Packages), made.Added, made.Hardening
	j.res.Linked, j.res.Notes = linkedResults(made.Content.Linked), made.Notes
	j.res.Size = compressed(manifest)
	return nil
}

// compressed is the size of an image's layers and its configuration, in bytes.
func compressed(m *v1.Manifest) int64 {
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size
}

// assemble compiles the service and composes its image.
func (j *job) assemble(ctx context.Context, e *builder.Engine, sp *spool.Spool) (*image.Result, error) {
	images := &registryImages{registry: j.registry}
	fetch := &builder.Fetcher{Engine: e, Memo: j.env.memo(), Offline: j.env.offline}
	prepare := j.env.preparer(j.debian, images, e)
	if j.env.offline {
		images.offline = j.store
		prepare.Git = fetch.GitLayer
	}
	inputs, err := prepare.Prepare(ctx, j.recipe, j.lock, j.trees, j.platform)
	j.downloads.clear()
	if err != nil {
		return nil, err
	}
	j.clock.lap("prepare")
	if inputs, err = fetch.Fetch(ctx, j.recipe, j.lock, j.platform, inputs); err != nil {
		return nil, err
	}
	j.clock.lap("fetch")
	j.plan, err = builder.NewPlan(j.recipe, j.lock, j.platform, inputs)
	if err != nil {
		return nil, err
	}
	artifacts, err := e.Compile(ctx, j.plan, sp)
	if err != nil {
		return nil, err
	}
	j.clock.lap("compile")
	in := image.Input{
		Recipe: j.recipe, Lock: j.lock, Platform: j.platform, Artifacts: artifacts, Key: j.key,
		Store: j.store, Memo: j.env.memo(),
		Lists: func(ctx context.Context) (map[string]string, error) { return e.FileLists(ctx, j.plan, sp) },
		Fetch: func(ctx context.Context, pkgs []recipes.Package) error {
			return j.debian.Fetch(ctx, archive.FilesOf(pkgs))
		},
	}
	if _, own := image.BasePackages(j.recipe.Image.Base); !own {
		if in.Base, err = images.image(ctx, j.recipe.Image.Base, j.platform); err != nil {
			return nil, err
		}
	}
	made, err := image.Assemble(ctx, in)
	j.clock.lap("assemble")
	return made, err
}
