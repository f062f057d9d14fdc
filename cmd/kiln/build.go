package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
)

func buildCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "push", Usage: "push to `REPOSITORY[:TAG]`; the tag is the recipe's version unless given"},
		&cli.StringFlag{Name: "oci", Usage: "without --push: write an OCI layout to `FOLDER` (default: NAME.oci)"},
		variantFlag(),
		&cli.StringSliceFlag{Name: "platform", Usage: "build only for these of the recipe's `PLATFORMS`, such as linux/arm64"},
		&cli.StringSliceFlag{Name: "tag", Usage: "a further `TAG` for the image"},
		&cli.BoolFlag{Name: "load", Usage: "load the image into Docker or podman as well"},
		&cli.BoolFlag{Name: "no-sources", Usage: "do not keep the recipe's local sources beside the image; then nobody else can reproduce it"},
		&cli.StringFlag{Name: "test-report", Usage: "write the results of the tests to `FILE`, in the Common Test Report Format"},
		&cli.StringFlag{Name: "trace-syscalls", Usage: "write a seccomp profile of what the tests' programs call to `FILE`; tests also what is unchanged"},
		progressFlag(),
		outputFlag("what stdout gets: text (the reference) or json"),
	}
	flags = append(flags, signerFlags()...)
	flags = append(flags, failureFlags()...)
	flags = append(flags, cacheFlags()...)
	flags = append(flags, offlineFlags()...)
	flags = append(flags, registryFlags()...)
	flags = append(flags, mirrorFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "build", Usage: "build, test, describe, sign and publish the image of a recipe", ArgsUsage: "RECIPE",
		Flags: flags, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			builds, err := newBuilds(c)
			if err != nil {
				return err
			}
			report := newTestReport(c.String("test-report"), time.Now)
			trace, err := newSyscallTrace(c.String("trace-syscalls"), builds)
			if err != nil {
				return err
			}
			for _, b := range builds {
				b.report, b.trace = report, trace
			}
			if err := report.write(runBuilds(c.Context, builds)); err != nil {
				return err
			}
			return trace.write()
		},
	}
}

// runBuilds runs one after the other, up to the first that fails.
func runBuilds(ctx context.Context, builds []*build) error {
	for _, b := range builds {
		res, err := b.run(ctx)
		if err != nil {
			return err
		}
		if err := b.print(res); err != nil {
			return err
		}
	}
	return nil
}

// build is one run of kiln build.
type build struct {
	env       *environment
	recipe    *recipes.Recipe
	lock      *recipes.Lock
	vex       *recipes.VEX // nil where nobody says anything
	trees     builder.Trees
	platforms []string // of the recipe, in its order
	keys      []string // the build keys, by platform
	target    target
	// aim is the target of an image with the lock; nil where target is set.
	aim       func(*recipes.Lock) (target, error)
	registry  *push.Registry
	uploads   *meter
	signer    *signer
	load      bool
	json      bool
	noSources bool
	display   *progress.Display
	failure   *failure
	report    *testReport
	trace     *syscallTrace
	store     *blobs.Store
	// folder is the archive of what the recipe takes from its own folder; nil
	// where it takes nothing, or that is not kept.
	folder *layer.Layer
	clock  *stopwatch
	stdout io.Writer
	stderr io.Writer
	// inputs names the artifact to build from, inputsSigner the file of the key
	// that must have signed it.
	inputs, inputsSigner string
	caches               caches
	keychain             authn.Keychain
}

// newBuilds is a build for the recipe or each of its variants that was asked
// for.
func newBuilds(c *cli.Context) ([]*build, error) {
	if err := checkOutput(c); err != nil {
		return nil, err
	}
	if err := checkFiles(c, "keep-failed", "test-report", "trace-syscalls"); err != nil {
		return nil, err
	}
	display, err := progress.New(os.Stderr, c.String("progress"))
	if err != nil {
		return nil, usage{err}
	}
	list, err := chosen(c)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 && c.IsSet("oci") {
		return nil, usagef("kiln build: --oci names one folder, and there are %d images", len(list))
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	common, err := newBuild(c, env, display)
	if err != nil {
		return nil, err
	}
	var builds []*build
	for _, r := range list {
		b := *common
		if err := b.setRecipe(c, r); err != nil {
			return nil, err
		}
		builds = append(builds, &b)
	}
	if err := checkCaches(builds); err != nil {
		return nil, err
	}
	// Nothing is wrong with the flags: now files may be made.
	signer, err := common.env.signer(c)
	if err != nil {
		return nil, err
	}
	store, err := common.env.blobs()
	for _, b := range builds {
		b.signer, b.store = signer, store
	}
	return builds, err
}

// newBuild is what is the same for all variants.
func newBuild(c *cli.Context, env *environment, display *progress.Display) (*build, error) {
	b := &build{
		env: env, display: display, json: c.String("output") == "json", load: c.Bool("load"), noSources: c.Bool("no-sources"),
		inputs: c.String("inputs"), inputsSigner: c.String("inputs-key"),
		stdout: c.App.Writer, stderr: c.App.ErrWriter,
	}
	var err error
	b.env.offline = c.Bool("offline")
	if b.caches, err = newCaches(c); err != nil {
		return nil, err
	}
	b.keychain = keychain(configOf(c).Network.Registries)
	b.uploads = newMeter(os.Stderr, "uploading", display.Terminal())
	b.registry, err = newRegistry(c, func(done, total int64) { b.uploads.report("", done, total) })
	return b, err
}

// setRecipe makes it the build of the recipe, or of one of its variants.
func (b *build) setRecipe(c *cli.Context, r *recipes.Recipe) error {
	b.recipe = r
	var err error
	if b.platforms, err = choosePlatforms(c, r); err != nil {
		return err
	}
	if b.failure, err = newFailure(c, b); err != nil {
		return err
	}
	b.target, err = newTarget(c, r, b.registry, r.Tagged(r.Name)+".oci")
	return err
}

// run is the way from a recipe to an image in its place.
func (b *build) run(ctx context.Context) (*result, error) {
	b.clock = newStopwatch(time.Now)
	known, err := b.find(ctx)
	if err != nil || known != nil {
		return known, err
	}
	res := b.result()
	return res, b.make(ctx, res)
}

// find is the image that is in its place already, or nil.
func (b *build) find(ctx context.Context) (*result, error) {
	var err error
	if b.lock, err = b.readLock(ctx); err != nil {
		return nil, err
	}
	if b.aim != nil {
		if b.target, err = b.aim(b.lock); err != nil {
			return nil, err
		}
	}
	if b.vex, err = b.readVEX(); err != nil {
		return nil, err
	}
	if b.trees, err = builder.LocalTrees(ctx, b.recipe); err != nil {
		return nil, err
	}
	for _, p := range b.platforms {
		key, err := builder.Key(b.recipe, b.lock, b.trees, p)
		if err != nil {
			return nil, err
		}
		b.keys = append(b.keys, key)
	}
	known, unchanged, err := b.answer(ctx)
	if err != nil {
		return nil, err
	}
	b.clock.lap("lookup")
	if !unchanged || b.load || b.trace != nil {
		return nil, nil
	}
	known.Unchanged, known.Timings = true, b.clock.laps
	return known, nil
}

// readLock reads the recipe's lock, or makes it where there is none.
func (b *build) readLock(ctx context.Context) (*recipes.Lock, error) {
	file := b.recipe.LockPath()
	l, err := recipes.ReadLock(file)
	if err == nil {
		return l, l.Fits(b.recipe)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if b.env.offline {
		return nil, withHint{err, "--offline builds from a lock; `kiln lock " + b.recipe.File + "` makes it where there is network"}
	}
	b.say("locking %s, which has no lock yet", b.recipe.Title())
	k := locking{env: b.env, store: b.store, images: &registryImages{registry: b.registry}, recipe: b.recipe, terminal: b.display.Terminal()}
	if l, err = k.lock(ctx); err != nil {
		return nil, err
	}
	text, err := l.Marshal()
	if err != nil {
		return nil, err
	}
	if err := writeWhole(file, text); err != nil {
		return nil, fmt.Errorf("writing lock: %w", err)
	}
	b.clock.lap("lock")
	return l, nil
}

func (b *build) print(res *result) error {
	if b.json {
		return json.NewEncoder(b.stdout).Encode(res)
	}
	b.summary(res)
	_, err := fmt.Fprintln(b.stdout, res.Reference)
	return err
}
