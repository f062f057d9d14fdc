package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

func lockCommand() *cli.Command {
	return &cli.Command{
		Name: "lock", Usage: "pin every input of a recipe in its lock file", ArgsUsage: "RECIPE",
		Flags: append(append(archiveFlags(), engineFlags()...),
			&cli.BoolFlag{Name: "check", Usage: "write nothing; fail where the lock does not fit the recipe, or locking afresh would change it"}),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			recipe, err := loadArgument(c)
			if err != nil {
				return err
			}
			env, err := newEnvironment(c)
			if err != nil {
				return err
			}
			return runLock(c, env, recipe)
		},
	}
}

// loadArgument loads the recipe that is the command's one argument.
func loadArgument(c *cli.Context) (*recipes.Recipe, error) {
	if c.NArg() != 1 {
		return nil, usagef("kiln %s: want one recipe, got %d arguments", c.Command.Name, c.NArg())
	}
	return loadRecipe(c.Args().First())
}

// loadRecipe loads a recipe by its file, or by its folder.
func loadRecipe(file string) (*recipes.Recipe, error) {
	if fi, err := os.Stat(file); err == nil && fi.IsDir() {
		file = filepath.Join(file, "recipe.yaml")
	}
	return recipes.Load(file)
}

func runLock(c *cli.Context, env *environment, r *recipes.Recipe) error {
	file := recipes.LockPath(r.File)
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading lock: %w", err)
	}
	if c.Bool("check") {
		if err := checkLock(file, r); err != nil {
			return err
		}
	}
	store, err := env.blobs()
	if err != nil {
		return err
	}
	l, err := env.lock(c.Context, store, r, term.IsTerminal(int(os.Stderr.Fd())))
	if err != nil {
		return err
	}
	text, err := l.Marshal()
	if err != nil {
		return err
	}
	switch same := bytes.Equal(old, text); {
	case same:
		_, err = fmt.Fprintf(c.App.ErrWriter, "%s is up to date\n", file)
		return err
	case c.Bool("check"):
		return withHint{fmt.Errorf("%s: the archive has moved on since it was locked", file), "`kiln lock " + r.File + "` locks it afresh"}
	}
	if err := writeWhole(file, text); err != nil {
		return fmt.Errorf("writing lock: %w", err)
	}
	_, err = fmt.Fprintf(c.App.ErrWriter, "%s: %d packages to build with, %d sources\n", file, len(l.Platforms[0].Build), len(l.Sources))
	return err
}

func checkLock(file string, r *recipes.Recipe) error {
	l, err := recipes.ReadLock(file)
	if errors.Is(err, os.ErrNotExist) {
		return withHint{err, "`kiln lock " + r.File + "` makes it"}
	}
	if err != nil {
		return err
	}
	return l.Fits(r)
}

// lock makes a lock for the recipe as the world is now.
func (e *environment) lock(ctx context.Context, store *blobs.Store, r *recipes.Recipe, terminal bool) (*recipes.Lock, error) {
	m := newMeter(os.Stderr, "downloading", terminal)
	defer m.clear()
	debian, err := e.archive(store, nil, m.report)
	if err != nil {
		return nil, err
	}
	locker := &builder.Locker{Archive: debian, Sources: e.sources(store, debian), Git: e.resolveGit(store)}
	l, err := locker.Lock(ctx, r)
	var missing *archive.MissingError
	if errors.As(err, &missing) {
		// Its own hint is for those who build from an older lock.
		return nil, withHint{err, "the mirror's indexes list a file which it does not have: it may be being updated, so try again later, or name another with --mirror"}
	}
	return l, err
}

// resolveGit connects to an engine for each source that needs it.
func (e *environment) resolveGit(store *blobs.Store) func(context.Context, recipes.GitSource) (builder.Commit, error) {
	return func(ctx context.Context, src recipes.GitSource) (builder.Commit, error) {
		conn, err := e.connect(ctx)
		if err != nil {
			return builder.Commit{}, err
		}
		defer conn.Close() //nolint:errcheck // nothing is lost
		display, err := progress.New(os.Stderr, "quiet")
		if err != nil {
			return builder.Commit{}, err
		}
		b := &builder.Engine{Client: conn.Client, Store: store, Display: display, Secrets: e.secrets()}
		return b.ResolveGit(ctx, src)
	}
}

// writeWhole writes a file so that it is there as a whole or as it was.
func writeWhole(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
