package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/builder/upstream"
	"github.com/kiln-build/kiln/recipes"
)

func updateCommand() *cli.Command {
	return &cli.Command{
		Name: "update", Usage: "take recipes to the newest version that upstream has", ArgsUsage: "[RECIPE|FOLDER...]",
		Description: "Looks for versions where the recipe's `update` or its source says, and writes the newest one\n" +
			"of the channel into the recipe, with the digests and commits of its sources, and locks it.\n" +
			"Nothing else in the file changes. A folder stands for all recipes below it; without arguments\n" +
			"it is the present one. What fails is left as it was, and stops no other recipe: the exit code\n" +
			"is 1 then, and so it is with --check where there is something newer.",
		Flags: append(slices.Concat(archiveFlags(), engineFlags(), registryFlags(), mirrorFlags()),
			&cli.BoolFlag{Name: "check", Usage: "write nothing; fail where there is a newer version"},
			&cli.BoolFlag{Name: "commit", Usage: "commit each recipe with git, by itself"},
			&cli.StringFlag{Name: "branch", Usage: "commit each on a branch of its own, whose `NAME` may have ${name} and ${version}; where it is there, the recipe is left as it is"},
			&cli.BoolFlag{Name: "sign", Usage: "have git sign the commits"},
			outputFlag("what stdout gets: text or json")),
		OnUsageError: usageError,
		Action:       runUpdate,
	}
}

// What became of a recipe.
const (
	updateCurrent   = "current"   // nothing is newer
	updateNewer     = "newer"     // something is, and --check asked
	updateDone      = "updated"   // it was taken to the newer version
	updateProposed  = "proposed"  // its branch is there already
	updateAhead     = "ahead"     // upstream has only older versions
	updateUntracked = "untracked" // nobody knows where versions are
	updateFailed    = "failed"    // it is as it was
)

// updated is what came of one recipe, as --output json prints it.
type updated struct {
	Recipe string `json:"recipe"`
	Name   string `json:"name,omitempty"`
	Status string `json:"status"`
	// Tracked is the kind of tracker, and what it was asked about.
	Tracked string `json:"tracked,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	// Changelog is a URL.
	Changelog string `json:"changelog,omitempty"`
	// Downloaded are the archives with new digests.
	Downloaded []downloaded `json:"downloaded,omitempty"`
	// Files are what was written.
	Files  []string `json:"files,omitempty"`
	Branch string   `json:"branch,omitempty"`
	Commit string   `json:"commit,omitempty"`
	// Title and Body are for a pull request, the latter in Markdown.
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
	Error string `json:"error,omitempty"`

	err     error
	recipe  *recipes.Recipe
	text    []byte // of the file
	tracked recipes.Update
	found   upstream.Found
	locks   []newLock
}

// downloaded is an archive that was hashed anew.
type downloaded struct {
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
	// Compared is the URL of upstream's list that has the same; empty where
	// the recipe names none, so that nobody but the server vouches for it.
	Compared string `json:"compared,omitempty"`
}

// updating is one run of kiln update.
type updating struct {
	cli     *cli.Context
	env     *environment
	finder  *upstream.Finder
	sources *source.Fetcher
	git     *gitCommits // nil without --commit and --branch
}

func runUpdate(c *cli.Context) error {
	files, err := updateFiles(c)
	if err != nil {
		return err
	}
	u, err := newUpdating(c, files)
	if err != nil {
		return err
	}
	all := u.lookAll(c.Context, files)
	for _, res := range all {
		if res.Status == updateNewer && !c.Bool("check") {
			u.settle(res, u.apply(c.Context, res))
		}
		if err := c.Err(); err != nil {
			return err
		}
	}
	if err := tellUpdates(c, all); err != nil {
		return err
	}
	return updateVerdict(all)
}

// updateFiles are the recipes that the arguments name.
func updateFiles(c *cli.Context) ([]string, error) {
	if err := checkOutput(c); err != nil {
		return nil, err
	}
	if c.Bool("check") {
		for _, flag := range []string{"commit", "branch", "sign"} {
			if c.IsSet(flag) {
				return nil, usagef("--%s: --check writes nothing", flag)
			}
		}
	}
	if c.Bool("sign") && !c.Bool("commit") && c.String("branch") == "" {
		return nil, usagef("--sign: says nothing without --commit or --branch")
	}
	return recipeFiles(c.Args().Slice())
}

// recipeFiles are the recipes that arguments name: files, or folders with all
// that is below them.
func recipeFiles(args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		fi, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("looking for recipes: %w", err)
		}
		found := []string{arg}
		if fi.IsDir() {
			if found, err = recipes.Find(arg); err != nil {
				return nil, fmt.Errorf("looking for recipes: %w", err)
			}
		}
		if len(found) == 0 {
			return nil, usagef("looking for recipes: there is no %s in %s, nor below it", recipes.RecipeFile, arg)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func newUpdating(c *cli.Context, files []string) (*updating, error) {
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	store, err := env.blobs()
	if err != nil {
		return nil, err
	}
	m := newMeter(os.Stderr, "downloading", stderrTerminal())
	debian, err := env.archive(store, nil, m.report)
	if err != nil {
		return nil, err
	}
	u := &updating{cli: c, env: env, sources: env.sources(store, debian)}
	u.finder = &upstream.Finder{
		HTTP: env.http(), Modules: u.sources.Go.Versions, Npm: npmRegistry, Git: os.Environ(),
		Debian: func(ctx context.Context, release, name, suite string) (archive.Source, error) {
			defer m.clear()
			index, err := debian.Sources(ctx, release)
			if err != nil {
				return archive.Source{}, err
			}
			return index.Lookup(name, "", suite)
		},
	}
	if c.Bool("commit") || c.String("branch") != "" {
		u.git, err = newGitCommits(c.Context, filepath.Dir(files[0]), c.String("branch"), c.Bool("sign"))
	}
	return u, err
}

// defaultsFor are those of the catalog that a recipe is in.
func defaultsFor(file string) (recipes.Defaults, error) {
	config, err := recipes.FindConfig(filepath.Dir(file))
	if err != nil {
		return recipes.Defaults{}, err
	}
	return config.Defaults(), nil
}

// Limits of looking for versions.
const (
	lookingAtOnce = 8
	lookingTime   = 2 * time.Minute
)

// lookAll looks for newer versions of all recipes.
func (u *updating) lookAll(ctx context.Context, files []string) []*updated {
	all := make([]*updated, len(files))
	var g errgroup.Group
	g.SetLimit(lookingAtOnce)
	for i, file := range files {
		all[i] = &updated{Recipe: file}
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, lookingTime)
			defer cancel()
			u.settle(all[i], u.look(ctx, all[i]))
			return nil
		})
	}
	g.Wait() //nolint:errcheck // each has its own
	return all
}

// settle notes an error.
func (u *updating) settle(res *updated, err error) {
	if err != nil {
		res.Status, res.err, res.Error = updateFailed, err, message(err)
		res.Files, res.Branch, res.Title, res.Body = nil, "", "", ""
	}
}
