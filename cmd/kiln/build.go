package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

func buildCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "push", Usage: "push to `REPOSITORY[:TAG]`; the tag is the recipe's version unless given"},
		&cli.StringFlag{Name: "oci", Usage: "without --push: write an OCI layout to `FOLDER` (default: NAME.oci)"},
		&cli.StringSliceFlag{Name: "tag", Usage: "a further `TAG` for the image"},
		&cli.BoolFlag{Name: "load", Usage: "load the image into Docker or podman as well"},
		&cli.StringFlag{Name: "key", EnvVars: []string{"KILN_KEY"}, Usage: "cosign key `FILE` to sign with, its password in COSIGN_PASSWORD (default: a development key)"},
		&cli.StringFlag{Name: "tlog", Usage: "record signatures in the transparency log at `URL`"},
		&cli.StringFlag{Name: "progress", Value: "auto", Usage: "auto, plain, tty, rawjson or quiet"},
		&cli.StringFlag{Name: "output", Value: "text", Usage: "what stdout gets: text (the reference) or json"},
	}
	flags = append(flags, registryFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "build", Usage: "build, test, describe, sign and publish the image of a recipe", ArgsUsage: "RECIPE",
		Flags: flags, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			b, err := newBuild(c)
			if err != nil {
				return err
			}
			res, err := b.run(c.Context)
			if err != nil {
				return err
			}
			return b.print(res)
		},
	}
}

// build is one run of kiln build.
type build struct {
	env      *environment
	recipe   *recipes.Recipe
	lock     *recipes.Lock
	platform string
	target   target
	registry *push.Registry
	key      *sign.Key
	devKey   bool
	keyFile  string
	tlog     string
	load     bool
	json     bool
	display  *progress.Display
	store    *blobs.Store
	clock    *stopwatch
	stdout   io.Writer
	stderr   io.Writer
}

func newBuild(c *cli.Context) (*build, error) {
	out := c.String("output")
	if out != "text" && out != "json" {
		return nil, usagef("--output: want text or json, got %q", out)
	}
	display, err := progress.New(os.Stderr, c.String("progress"))
	if err != nil {
		return nil, usage{err}
	}
	recipe, err := loadArgument(c)
	if err != nil {
		return nil, err
	}
	b := &build{
		recipe: recipe, platform: recipe.Platforms[0], display: display, json: out == "json", load: c.Bool("load"),
		keyFile: c.String("key"), tlog: c.String("tlog"), clock: newStopwatch(time.Now), stdout: c.App.Writer, stderr: c.App.ErrWriter,
	}
	if b.env, err = newEnvironment(c); err != nil {
		return nil, err
	}
	if b.registry, err = newRegistry(c, nil); err != nil {
		return nil, err
	}
	if b.target, err = newTarget(c, recipe, b.registry); err != nil {
		return nil, err
	}
	if b.key, b.devKey, err = b.env.signingKey(b.keyFile); err != nil {
		return nil, err
	}
	b.store, err = b.env.blobs()
	return b, err
}

// result is what a build has to say, as --output json prints it.
type result struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Platform  string `json:"platform"`
	Digest    string `json:"digest"`
	Reference string `json:"reference"`
	// References are the reference by digest and those by tag.
	References []string `json:"references"`
	Key        string   `json:"buildKey"`
	// Unchanged is whether the image was there already, verified.
	Unchanged bool `json:"unchanged"`
	// Size is of the compressed layers and the configuration, in bytes.
	Size     int64 `json:"size,omitempty"`
	Packages int   `json:"packages,omitempty"`
	Files    int   `json:"files,omitempty"`
	// Added are the packages that the closure found a need for.
	Added      map[string]string    `json:"added,omitempty"`
	User       string               `json:"user"`
	SignedBy   string               `json:"signedBy"`
	DevKey     bool                 `json:"developmentKey"`
	Statements []string             `json:"statements,omitempty"`
	Tests      []recipes.TestResult `json:"tests,omitempty"`
	Loaded     string               `json:"loaded,omitempty"`
	Engine     string               `json:"engine,omitempty"`
	// Timings are in seconds, by stage.
	Timings map[string]float64 `json:"timings"`
}

// run is the way from a recipe to an image in its place.
func (b *build) run(ctx context.Context) (*result, error) {
	lock, err := b.readLock(ctx)
	if err != nil {
		return nil, err
	}
	b.lock = lock
	trees, err := builder.LocalTrees(ctx, b.recipe)
	if err != nil {
		return nil, err
	}
	key, err := builder.Key(b.recipe, lock, trees, b.platform)
	if err != nil {
		return nil, err
	}
	res := &result{
		Name: b.recipe.Name, Version: b.recipe.Version, Platform: b.platform, Key: key,
		User: b.recipe.Image.User, SignedBy: b.key.ID(), DevKey: b.devKey, Timings: b.clock.laps,
	}
	digest, unchanged, err := b.answer(ctx, key)
	if err != nil {
		return nil, err
	}
	b.clock.lap("lookup")
	if unchanged && !b.load {
		res.Unchanged = true
		b.place(res, digest)
		return res, nil
	}
	return res, b.make(ctx, res, trees)
}

func (b *build) place(res *result, digest v1.Hash) {
	res.Digest, res.Reference = digest.String(), b.target.reference(digest)
	res.References = append([]string{res.Reference}, b.target.tagged()...)
}

// readLock reads the recipe's lock, or makes it where there is none.
func (b *build) readLock(ctx context.Context) (*recipes.Lock, error) {
	file := recipes.LockPath(b.recipe.File)
	l, err := recipes.ReadLock(file)
	if err == nil {
		return l, l.Fits(b.recipe)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	b.say("locking %s, which has no lock yet", b.recipe.Name)
	if l, err = b.env.lock(ctx, b.store, b.recipe); err != nil {
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

// make builds, tests, describes, signs and publishes.
func (b *build) make(ctx context.Context, res *result, trees builder.Trees) error {
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
	debian, err := b.env.archive(b.store, nil)
	if err != nil {
		return nil, err
	}
	images := &registryImages{registry: b.registry}
	prepare := &builder.Preparer{
		Archive: debian, Sources: b.env.sources(b.store, debian), Store: b.store, Memo: b.env.memo(), Image: images.image,
	}
	inputs, err := prepare.Prepare(ctx, b.recipe, b.lock, trees, b.platform)
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

// describe writes the SBOM and the provenance.
func (b *build) describe(conn *engine.Engine, made *image.Result, trees builder.Trees, res *result) ([]sign.Statement, error) {
	digest, err := made.Image.Digest()
	if err != nil {
		return nil, err
	}
	b.place(res, digest)
	files := map[string]layer.Entry{}
	for _, e := range made.Service {
		files[e.Path] = e
	}
	tools, err := builder.BuildPackages(b.recipe)
	if err != nil {
		return nil, err
	}
	doc, err := sbom.Describe(sbom.Input{
		Recipe: b.recipe, Lock: b.lock, Platform: b.platform, Repository: b.target.repository(), Digest: digest,
		Content: &made.Content, Tools: tools, Version: version(),
		Open: func(p string) (sbom.File, error) { return openEntry(files, p) },
	})
	if err != nil {
		return nil, err
	}
	spdx, err := sbom.Marshal(doc)
	if err != nil {
		return nil, err
	}
	lockText, err := b.lock.Marshal()
	if err != nil {
		return nil, err
	}
	local := map[string]string{}
	for i, tree := range trees {
		local[b.lock.Sources[i].Name] = tree
	}
	provenance, err := sign.Provenance(sign.ProvenanceInput{
		BuilderID: localBuilder, Kiln: version(), BuildKit: conn.Version, Recipe: b.recipe, Lock: b.lock, LockText: lockText,
		Platform: b.platform, Key: res.Key, Format: builder.Format + "/" + image.Format, Local: local, Tests: res.Tests,
	})
	if err != nil {
		return nil, err
	}
	stats := sbom.Summarize(doc)
	res.Packages, res.Files, res.Added = len(made.Content.Packages), stats.Files, made.Added
	res.Statements = []string{"spdx", "provenance"}
	return []sign.Statement{
		{PredicateType: sign.PredicateSPDX, Predicate: spdx},
		{PredicateType: sign.PredicateProvenance, Predicate: provenance},
	}, nil
}

// localBuilder is the builder id of a build that nobody but the one who ran
// it vouches for: SLSA Build L1.
const localBuilder = "https://github.com/kiln-build/kiln/blob/main/sign/buildtype-v1.md#local"

func openEntry(files map[string]layer.Entry, p string) (sbom.File, error) {
	e, ok := files[p]
	if !ok {
		return nil, fmt.Errorf("opening %s: %w", p, os.ErrNotExist)
	}
	at, done, err := layer.ReaderAt(e)
	return entryFile{at, done}, err
}

type entryFile struct {
	io.ReaderAt
	done func()
}

func (f entryFile) Close() error {
	f.done()
	return nil
}

// publish signs the image and puts it where it belongs.
func (b *build) publish(ctx context.Context, img v1.Image, statements []sign.Statement, res *result) error {
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	res.Size = manifest.Config.Size
	for _, l := range manifest.Layers {
		res.Size += l.Size
	}
	attach := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		return sign.Sign(ctx, subject, b.target.repository(), b.key, statements, sign.Options{TLog: b.tlog, Existing: existing})
	}
	if err := b.target.put(ctx, img, attach); err != nil {
		return err
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	return b.remember(res.Key, digest)
}

func (b *build) loadImage(ctx context.Context, img v1.Image, res *result) error {
	if !b.load {
		return nil
	}
	tag, err := name.NewTag(b.recipe.Name + ":" + b.recipe.Version)
	if t, ok := b.target.(*registryTarget); ok {
		tag, err = t.repo.Tag(t.tags[0]), nil
	}
	if err != nil {
		return fmt.Errorf("loading image: %w", err)
	}
	where, err := push.Load(ctx, img, tag)
	if err == nil {
		res.Loaded = where + " " + tag.Name()
	}
	return err
}

func (b *build) print(res *result) error {
	if b.json {
		return json.NewEncoder(b.stdout).Encode(res)
	}
	b.summary(res)
	_, err := fmt.Fprintln(b.stdout, res.Reference)
	return err
}
