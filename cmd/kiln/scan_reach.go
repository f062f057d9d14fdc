package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
)

// reachability analyses the source of a recipe where --reachability asks for
// it.
type reachability struct {
	c       *cli.Context
	db      *osv.Database
	env     *environment
	display *progress.Display
	// made are the statements of all platforms, for --openvex.
	made     []scan.Statement
	analyser string
	day      string
}

func newReachability(c *cli.Context, db *osv.Database) (*reachability, error) {
	if !c.Bool("reachability") {
		if c.String("openvex") != "" || c.String("product") != "" {
			return nil, usagef("--openvex and --product: need --reachability, which makes the statements")
		}
		return nil, nil
	}
	if err := checkFiles(c, "openvex"); err != nil {
		return nil, err
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	display, err := progress.New(os.Stderr, c.String("progress"))
	if err != nil {
		return nil, usage{err}
	}
	return &reachability{c: c, db: db, env: env, display: display}, nil
}

// statements analyses the source of a recipe for the platform that was
// scanned.
func (r *reachability) statements(s *subject) ([]scan.Statement, error) {
	if s.recipe == nil {
		return nil, withHint{usagef("--reachability: %s is no recipe, whose source could be analysed", s.Target),
			"scan the recipe with --openvex FILE, and the image with --vex FILE"}
	}
	analysis, err := r.analyse(r.c.Context, s.recipe, s.lock, s.Platform)
	if err != nil {
		return nil, err
	}
	made := vex.FromReach(analysis, s.Findings)
	r.made, r.analyser = append(r.made, made...), analysis.Analyser
	for _, d := range s.Databases {
		if d.Ecosystem == "Go" {
			r.day, _, _ = strings.Cut(d.Modified, "T")
		}
	}
	return made, nil
}

// analyse does what a build does, up to where it would compile.
func (r *reachability) analyse(ctx context.Context, recipe *recipes.Recipe, lock *recipes.Lock, platform string) (*recipes.Analysis, error) {
	advisories, err := r.db.GoIndex()
	if err != nil {
		return nil, err
	}
	store, err := r.env.blobs()
	if err != nil {
		return nil, err
	}
	trees, err := builder.LocalTrees(ctx, recipe)
	if err != nil {
		return nil, err
	}
	downloads := newMeter(os.Stderr, "downloading", stderrTerminal())
	defer downloads.clear()
	debian, err := r.env.archive(store, lock, downloads.report)
	if err != nil {
		return nil, err
	}
	locked, err := lock.For(platform)
	if err != nil {
		return nil, err
	}
	conns := &engines{env: r.env}
	defer conns.close()
	conn, err := conns.running(ctx, locked.RunsOn())
	if err != nil {
		return nil, err
	}
	registry, err := newRegistry(r.c, nil)
	if err != nil {
		return nil, err
	}
	e := &builder.Engine{Client: conn.Client, Store: store, Secrets: r.env.secrets(), Bases: r.env.bases(ctx, recipe), Display: r.display}
	inputs, err := r.env.preparer(debian, &registryImages{registry: registry}, e).Prepare(ctx, recipe, lock, trees, platform)
	if err != nil {
		return nil, err
	}
	fetch := &builder.Fetcher{Engine: e, Memo: r.env.memo()}
	if inputs, err = fetch.Fetch(ctx, recipe, lock, platform, inputs); err != nil {
		return nil, err
	}
	plan, err := builder.NewPlan(recipe, lock, platform, inputs)
	if err != nil {
		return nil, err
	}
	return e.Reach(ctx, plan, builder.ReachInput{Analyser: readAnalyser, Advisories: advisories})
}

// readAnalyser returns the program that analyses Go programs, from beside kiln
// itself.
func readAnalyser(arch string) (program []byte, source map[string][]byte, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("finding kiln itself: %w", err)
	}
	return builder.ReadAnalyser(self, arch)
}

// write writes what the analyses found as an OpenVEX document, about the image
// that --product names, or else every image of the recipe's name.
func (r *reachability) write(image vex.Image) error {
	file := r.c.String("openvex")
	if file == "" {
		return nil
	}
	if product := r.c.String("product"); product != "" {
		d, err := name.NewDigest(product)
		if err != nil {
			return usagef("--product: want an image by its digest: %w", err)
		}
		image.Repository, image.Digest = d.Context().Name(), d.DigestStr()
	}
	text, err := vex.FromStatements(r.made, image, r.analyser, r.day).Marshal()
	if err != nil {
		return err
	}
	if err := writeWhole(file, append(text, '\n')); err != nil {
		return fmt.Errorf("writing --openvex: %w", err)
	}
	return nil
}
