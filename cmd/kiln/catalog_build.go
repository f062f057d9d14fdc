package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

func catalogBuildCommand() *cli.Command {
	flags := append(catalogFlags(),
		&cli.BoolFlag{Name: "push", Usage: "push to the catalog's repositories"},
		&cli.StringFlag{Name: "repository", Usage: "push to this `TEMPLATE` in place of kiln.yaml's, such as registry.corp/staging/${name}"},
		&cli.StringFlag{Name: "oci", Usage: "in place of --push: write an OCI layout for each image below `FOLDER`"},
		&cli.IntFlag{Name: "jobs", Value: max(1, runtime.GOMAXPROCS(0)/2), Usage: "build `N` recipes at a time on each engine"},
		&cli.StringFlag{Name: "junit", Usage: "write the outcome to `FILE`, as JUnit's XML"},
		&cli.StringFlag{Name: "summary", EnvVars: []string{"GITHUB_STEP_SUMMARY"}, Usage: "append the outcome to `FILE`, as a table in Markdown"},
		&cli.BoolFlag{Name: "no-sources", Usage: "do not keep local sources beside the images; then nobody else can reproduce them"},
		outputFlag("what stdout gets: text (the references) or json"),
	)
	flags = slices.Concat(flags, signerFlags(), cacheFlags(), registryFlags(), mirrorFlags(), archiveFlags(), engineFlags())
	return &cli.Command{
		Name: "build", Usage: "build the recipes of a catalog", ArgsUsage: "[NAME...]",
		Description: "Builds what is not in its repository already, those first that others stand on. One that\n" +
			"fails does not keep the others from being built, but for what stands on it. What has been\n" +
			"pushed is done: after a failure the next run goes on from there. Where an image stands on\n" +
			"another of the catalog that has a new digest, the digest is written into its recipe, which\n" +
			"is locked and built again. Several --engine share the recipes, each with the same ones\n" +
			"every time, so that its cache is of use.",
		Flags: flags, OnUsageError: usageError,
		Action: runCatalogBuild,
	}
}

// catalogBuild is one run of kiln catalog build.
type catalogBuild struct {
	cli     *cli.Context
	catalog *chosenCatalog
	config  recipes.CatalogConfig
	common  *build
	// push is whether images are in registries, and not in folders.
	push bool
	// lookups bounds how many images are looked up at a time.
	lookups chan struct{}
	pool    *enginePool
	screen  *catalogScreen
	watch   *stopwatch
	// outcomes has all that are chosen; each is written by its own goroutine
	// alone, and read when it is done.
	outcomes map[*recipes.Entry]*outcome
}

// outcome is what became of a recipe, as --output json prints it.
type outcome struct {
	Name   string `json:"name"`
	Recipe string `json:"recipe"`
	// Version is empty where the recipe does not load.
	Version string `json:"version,omitempty"`
	Status  status `json:"status"`
	// Reason says why it was skipped, and Error why it failed.
	Reason string `json:"reason,omitempty"`
	Error  string `json:"error,omitempty"`
	Engine string `json:"engine,omitempty"`
	// Pinned are the digests that were written into the recipe.
	Pinned  []string  `json:"pinned,omitempty"`
	Seconds float64   `json:"seconds"`
	Images  []*result `json:"images,omitempty"`

	err  error
	done chan struct{}
}

type status string

// What can become of a recipe.
const (
	statusBuilt     status = "built"
	statusUnchanged status = "unchanged"
	statusFailed    status = "failed"
	statusSkipped   status = "skipped"
)

func runCatalogBuild(c *cli.Context) error {
	b, err := newCatalogBuild(c)
	if err != nil {
		return err
	}
	b.run(c.Context)
	b.screen.clear()
	if c.Err() != nil {
		return c.Err()
	}
	return b.tell()
}

func newCatalogBuild(c *cli.Context) (*catalogBuild, error) {
	switch {
	case c.Bool("push") == (c.String("oci") != ""):
		return nil, withHint{usagef("kiln catalog build: want one of --push and --oci FOLDER"), "--oci builds and tests, and publishes nothing"}
	case c.String("repository") != "" && !c.Bool("push"):
		return nil, usagef("--repository: says nothing without --push")
	case c.Int("jobs") < 1:
		return nil, usagef("--jobs: want 1 or more")
	}
	if err := errors.Join(checkOutput(c), checkFiles(c, "junit", "summary")); err != nil {
		return nil, err
	}
	b, err := newCatalogRun(c)
	if err != nil {
		return nil, err
	}
	b.push = c.Bool("push")
	b.pool = newEnginePool(b.common.env, c.Int("jobs"))
	b.screen.total = len(b.catalog.chosen)
	return b, nil
}

// newCatalogRun opens the catalog, and makes ready what all its recipes have in
// common.
func newCatalogRun(c *cli.Context) (*catalogBuild, error) {
	b := &catalogBuild{cli: c, push: true, watch: newStopwatch(time.Now), lookups: make(chan struct{}, 16), outcomes: map[*recipes.Entry]*outcome{}}
	var err error
	if b.catalog, err = openCatalog(c); err != nil {
		return nil, err
	}
	b.config = *b.catalog.Config.Catalog
	b.config.Repository = cmp.Or(c.String("repository"), b.config.Repository)
	if err := useSigner(c, b.config.Sign); err != nil {
		return nil, err
	}
	display, err := progress.New(os.Stderr, "quiet")
	if err != nil {
		return nil, err
	}
	env, err := newPooled(c)
	if err != nil {
		return nil, err
	}
	if b.common, err = newBuild(c, env, display); err != nil {
		return nil, err
	}
	if err := checkCaches(b.images()); err != nil {
		return nil, err
	}
	if b.common.signer, err = env.signer(c); err != nil {
		return nil, err
	}
	if b.common.store, err = env.blobs(); err != nil {
		return nil, err
	}
	b.screen = newCatalogScreen(c.App.ErrWriter, stderrTerminal())
	return b, nil
}

// images are the builds of all that is chosen and loads, without a target.
func (b *catalogBuild) images() []*build {
	var all []*build
	for _, e := range b.catalog.chosen {
		if e.Err != nil {
			continue
		}
		for _, r := range e.All() {
			one := *b.common
			one.recipe, one.platforms = r, r.Platforms
			all = append(all, &one)
		}
	}
	return all
}

// run builds all chosen recipes, each when those that it stands on are done.
func (b *catalogBuild) run(ctx context.Context) {
	under := map[*recipes.Entry][]recipes.Edge{}
	for _, edge := range b.catalog.Edges() {
		under[edge.To] = append(under[edge.To], edge)
	}
	for _, e := range b.catalog.chosen {
		o := &outcome{Name: e.Name, Recipe: e.File, done: make(chan struct{})}
		if e.Recipe != nil {
			o.Version = e.Recipe.Version
		}
		b.outcomes[e] = o
	}
	var wg sync.WaitGroup
	for _, e := range b.catalog.chosen {
		wg.Go(func() {
			o := b.outcomes[e]
			defer close(o.done)
			start := time.Now()
			b.one(ctx, e, under[e], o)
			o.Seconds = time.Since(start).Seconds()
			if ctx.Err() == nil {
				b.screen.ended(o)
			}
		})
	}
	wg.Wait()
}

// one waits for what the recipe stands on, and builds it.
func (b *catalogBuild) one(ctx context.Context, e *recipes.Entry, under []recipes.Edge, o *outcome) {
	for _, edge := range under {
		from := b.outcomes[edge.From]
		if from == nil { // not chosen
			continue
		}
		<-from.done
		if from.Status == statusFailed || from.Status == statusSkipped {
			o.Status, o.Reason = statusSkipped, fmt.Sprintf("%s, which it stands on, was not built", from.Name)
			return
		}
	}
	if err := b.follow(ctx, e, under, o); err != nil {
		o.fail(err)
		return
	}
	if e.Err != nil {
		o.fail(e.Err)
		return
	}
	o.Status = statusUnchanged
	for _, r := range e.All() {
		res, err := b.image(ctx, r, o)
		if err != nil {
			o.fail(err)
			continue
		}
		o.Images = append(o.Images, res)
		if !res.Unchanged && o.Status == statusUnchanged {
			o.Status = statusBuilt
		}
	}
}

func (o *outcome) fail(err error) {
	o.Status, o.err = statusFailed, errors.Join(o.err, err)
	o.Error = o.err.Error()
}

// image builds the image of one recipe or variant, where it is not there.
func (b *catalogBuild) image(ctx context.Context, r *recipes.Recipe, o *outcome) (*result, error) {
	one, err := b.of(r)
	if err != nil {
		return nil, err
	}
	known, err := b.look(ctx, one)
	if err != nil || known != nil {
		return known, err
	}
	address, release, err := b.pool.take(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	env := *one.env
	env.engines.fallback = address
	one.env, o.Engine = &env, address
	b.screen.began(r.Title())
	defer b.screen.left(r.Title())
	res := one.result()
	return res, one.make(ctx, res)
}

func (b *catalogBuild) look(ctx context.Context, one *build) (*result, error) {
	select {
	case b.lookups <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.lookups }()
	one.clock = newStopwatch(time.Now)
	return one.find(ctx)
}

// of is the build of one recipe or variant.
func (b *catalogBuild) of(r *recipes.Recipe) (*build, error) {
	one := *b.common
	one.recipe, one.platforms = r, r.Platforms
	one.stderr = b.screen.about(r.Title())
	var err error
	if one.failure, err = newFailure(b.cli, &one); err != nil {
		return nil, err
	}
	one.aim = func(l *recipes.Lock) (target, error) { return b.target(r, l) }
	return &one, nil
}

func (b *catalogBuild) target(r *recipes.Recipe, l *recipes.Lock) (target, error) {
	if !b.push {
		return &layoutTarget{dir: filepath.Join(b.cli.String("oci"), r.Tagged(r.Name)+".oci"), name: r.Name, tags: b.config.TagsOf(r, l)}, nil
	}
	return b.inRegistry(r, l)
}

// inRegistry is where the image of r with the lock is in its registry.
func (b *catalogBuild) inRegistry(r *recipes.Recipe, l *recipes.Lock) (*registryTarget, error) {
	repo, err := name.NewRepository(b.config.RepositoryOf(r.Name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	t := &registryTarget{registry: b.common.registry, repo: repo, tags: b.config.TagsOf(r, l)}
	if slices.Contains(b.config.Tags, recipes.TagDigest) {
		t.digestTag = func(digest string) string { return b.config.DigestTag(r, digest) }
	}
	return t, nil
}

// follow writes the digests of images that were built into the recipe that
// stands on them, and locks it again.
func (b *catalogBuild) follow(ctx context.Context, e *recipes.Entry, under []recipes.Edge, o *outcome) error {
	moved := map[string]string{} // references by their places in the recipe
	for _, edge := range under {
		from := b.outcomes[edge.From]
		if from == nil || len(from.Images) == 0 || !b.push {
			continue
		}
		repo, old, _ := strings.Cut(edge.Ref, "@")
		now := from.meant(strings.TrimPrefix(repo, b.catalog.Config.Catalog.RepositoryOf(from.Name)), old).Digest
		if now == old {
			continue
		}
		moved[edge.Recipe.PathOf(edge.Field)] = repo + "@" + now
		if pin := from.Name + "@" + now; !slices.Contains(o.Pinned, pin) {
			o.Pinned = append(o.Pinned, pin)
		}
	}
	if len(moved) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := repin(e.File, moved); err != nil {
		return err
	}
	if e.Load(b.catalog.Config.Defaults()); e.Err != nil {
		return e.Err
	}
	env := *b.common.env
	env.engines.pool = nil
	for _, r := range e.All() {
		l, err := makeLock(b.cli, &env, r, false)
		if err != nil {
			return err
		}
		if err := l.write(b.screen.about(r.Title())); err != nil {
			return err
		}
	}
	return nil
}

// meant is the image that others name by the tag, which may be empty, and the
// digest: the one that still has it, else that of the variant which the tag ends
// with, else the recipe's own.
func (o *outcome) meant(tag, digest string) *result {
	found := o.Images[0]
	for _, res := range o.Images {
		if res.Digest == digest {
			return res
		}
		if res.Variant != "" && strings.HasSuffix(tag, "-"+res.Variant) {
			found = res
		}
	}
	return found
}

// repin writes references into a recipe's file, and nothing else.
func repin(file string, moved map[string]string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading recipe: %w", err)
	}
	r, err := recipes.Parse(file, text) // without defaults, which are not in the file
	if err != nil {
		return err
	}
	if text, err = r.Rewrite(moved); err != nil {
		return err
	}
	if err := writeWhole(file, text); err != nil {
		return fmt.Errorf("writing recipe: %w", err)
	}
	return nil
}
