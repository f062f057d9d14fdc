package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
)

func reproduceCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "check", Usage: "only compare; attach nothing"},
		&cli.StringFlag{Name: "keep", Usage: "write what was built to `FOLDER`, as an OCI layout, also where it differs"},
		progressFlag(),
		outputFlag("what stdout gets: text (the reference) or json"),
	}
	flags = append(flags, statementFlags("the rebuild statement")...)
	flags = append(flags, whoFlags()...)
	flags = append(flags, mirrorFlags()...)
	flags = append(flags, offlineFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "reproduce", Usage: "build an image again from its own provenance, and compare", ArgsUsage: "IMAGE@DIGEST",
		Description: "Takes recipe, lock and local sources from what is attached to the image, builds it again and\n" +
			"compares the digests. Where they are the same, a signed statement about it is attached, which\n" +
			"kiln verify counts; where not, it lists what differs and exits with 4. Unless --engine names\n" +
			"one, an engine of its own is started, whose caches are empty.",
		Flags: flags, OnUsageError: usageError,
		Action: runReproduce,
	}
}

// reproduction is one run of kiln reproduce.
type reproduction struct {
	*build
	*published
	provenance sign.Statement
	origin     *sign.Origin
	built      []*job
	buildkit   string
}

func runReproduce(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("kiln reproduce: want one image, got %d arguments", c.NArg())
	}
	if err := checkOutput(c); err != nil {
		return err
	}
	who, err := identity(c)
	if err != nil {
		return err
	}
	display, err := progress.New(os.Stderr, c.String("progress"))
	if err != nil {
		return usage{err}
	}
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	r := &reproduction{}
	if r.build, err = newBuild(c, env, display); err != nil {
		return err
	}
	r.clock = newStopwatch(time.Now)
	if r.signer, err = r.env.keyed(c.String("sign-key"), c.String("tlog"), &sigstore{}); err != nil {
		return err
	}
	if r.store, err = r.env.blobs(); err != nil {
		return err
	}
	if r.published, err = findPublished(c, r.build.registry, c.Args().First()); err != nil {
		return err
	}
	if err := r.look(c.Context, who); err != nil {
		return err
	}
	return r.inFolder(c.Context, func(dir string) error { return r.run(c, dir) })
}

// inFolder gives f a folder of its own, and removes it with the engine that was
// started in it. It is not among the temporary files: those may be in memory.
func (r *reproduction) inFolder(ctx context.Context, f func(dir string) error) error {
	if err := os.MkdirAll(r.env.state, 0o700); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	dir, err := os.MkdirTemp(r.env.state, "reproduce-*")
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	r.env.fresh = dir
	err = f(dir)
	cfg, cerr := r.env.engineConfig()
	if cerr == nil {
		cerr = engine.Stop(context.WithoutCancel(ctx), cfg, true)
	}
	return errors.Join(err, cerr, os.RemoveAll(dir))
}

// fresh reports whether the build begins with no caches but that of downloads,
// which are compared with the lock.
func (r *reproduction) fresh() bool {
	return r.env.engines.fallback == "" && len(r.env.engines.platform) == 0
}

// look finds the provenance to follow, which must verify.
func (r *reproduction) look(ctx context.Context, who sign.Identity) error {
	attached, err := r.statements(ctx, r.digest())
	if err != nil {
		return err
	}
	report, err := sign.Verify(ctx, r.digest(), attached, who, []string{sign.PredicateProvenance})
	if err != nil {
		return err
	}
	r.provenance, _ = report.Statement(sign.PredicateProvenance)
	if r.origin, err = sign.OriginOf(r.provenance.Predicate); err != nil {
		return fmt.Errorf("reproducing %s: %w", r.reference(), err)
	}
	if have := builder.Format + "/" + image.Format; r.origin.Format != have {
		return withHint{
			fmt.Errorf("reproducing %s: it has kiln's build format %q, and this kiln makes %q", r.reference(), r.origin.Format, have),
			"use the kiln that made it: " + r.origin.Kiln,
		}
	}
	return nil
}

// run builds in the folder dir, compares, and says or attaches what came of it.
func (r *reproduction) run(c *cli.Context, dir string) error {
	if err := r.restore(c.Context, filepath.Join(dir, "folder")); err != nil {
		return err
	}
	top, err := r.rebuild(c.Context)
	if err != nil {
		return err
	}
	if keep := c.String("keep"); keep != "" {
		if _, err := push.WriteLayout(c.Context, filepath.Clean(keep), top, nil, []string{r.recipe.Tag()}); err != nil {
			return err
		}
	}
	res, err := r.compare(c.Context, top)
	if err != nil {
		return err
	}
	if res.Identical && !c.Bool("check") {
		if res.SignedBy, err = r.attest(c.Context); err != nil {
			return err
		}
	}
	return r.report(c, res)
}

// rebuild carries out the build, with no tests, and returns what it made.
func (r *reproduction) rebuild(ctx context.Context) (push.Manifest, error) {
	if err := r.fill(ctx); err != nil {
		return nil, err
	}
	engines := &engines{env: r.env}
	defer engines.close()
	var err error
	if r.built, err = r.jobs(ctx, engines, &result{}); err != nil {
		return nil, err
	}
	var images []image.Platform
	for _, j := range r.built {
		if err := r.of(j.platform, j.rebuild(ctx)); err != nil {
			return nil, err
		}
		r.buildkit = j.conn.Version
		images = append(images, image.Platform{Name: j.platform, Image: j.image})
	}
	r.clock.lap("build")
	if r.origin.Platform != "" {
		return r.built[0].image, nil
	}
	return image.Index(r.recipe, r.lock, builder.IndexKey(r.keys), images)
}

// attest attaches the statement to the image or index that was rebuilt, and
// returns who signed it.
func (r *reproduction) attest(ctx context.Context) (string, error) {
	who, err := r.signer.who(ctx)
	if err != nil {
		return "", err
	}
	predicate, err := sign.Rebuild(sign.RebuildInput{
		BuilderID: localBuilder, Kiln: version(), BuildKit: r.buildkit, Provenance: r.provenance.Predicate, Fresh: r.fresh(),
	})
	if err != nil {
		return "", err
	}
	attach := r.signer.attest(r.repo.Name(), sign.Statement{PredicateType: sign.PredicateRebuild, Predicate: predicate})
	return who.String(), r.attach(ctx, []v1.Descriptor{r.found.Descriptor}, attach)
}
