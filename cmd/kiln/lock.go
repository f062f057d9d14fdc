package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func lockCommand() *cli.Command {
	return &cli.Command{
		Name: "lock", Usage: "pin every input of a recipe, and of its variants, in lock files", ArgsUsage: "RECIPE",
		Flags: append(slices.Concat(archiveFlags(), engineFlags(), registryFlags(), mirrorFlags()),
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
			all, err := withVariants(recipe)
			if err != nil {
				return err
			}
			return lockAll(c, env, all, c.App.ErrWriter)
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

// loadRecipe loads a recipe by its file, or by its folder, with the defaults of
// its catalog.
func loadRecipe(arg string) (*recipes.Recipe, error) {
	file := recipeFile(arg)
	config, err := recipes.FindConfig(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	return config.Defaults().Load(file, "")
}

// recipeFile is the file of a recipe that is named by it, or by its folder.
func recipeFile(arg string) string {
	if fi, err := os.Stat(arg); err == nil && fi.IsDir() {
		return filepath.Join(arg, recipes.RecipeFile)
	}
	return arg
}

// newLock is a lock made afresh, and what its file holds.
type newLock struct {
	recipe    *recipes.Recipe
	lock      *recipes.Lock
	old, text []byte
}

// lockAll locks a recipe and its variants. It writes when all are made, so that
// an error changes nothing.
func lockAll(c *cli.Context, env *environment, all []*recipes.Recipe, stderr io.Writer) error {
	var made []newLock
	for _, r := range all {
		l, err := makeLock(c, env, r, c.Bool("check"))
		if err != nil {
			return err
		}
		made = append(made, l)
	}
	for _, l := range made {
		if err := l.write(stderr); err != nil {
			return err
		}
	}
	return nil
}

// makeLock makes the lock of one of them. To check it, one that differs from its
// file is an error.
func makeLock(c *cli.Context, env *environment, r *recipes.Recipe, check bool) (newLock, error) {
	l := newLock{recipe: r}
	var err error
	if l.old, err = os.ReadFile(r.LockPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return l, fmt.Errorf("reading lock: %w", err)
	}
	k, err := newLocking(c, env, r)
	if err != nil {
		return l, err
	}
	k.check = check
	if k.was, err = fittingLock(r); err != nil && k.check {
		return l, err
	}
	if l.lock, err = k.lock(c.Context); err != nil {
		return l, err
	}
	if l.text, err = l.lock.Marshal(); err != nil {
		return l, err
	}
	if k.check && !bytes.Equal(l.old, l.text) {
		return l, k.moved("what its steps fetch has changed")
	}
	return l, nil
}

// newLocking locks a recipe without looking at a lock.
func newLocking(c *cli.Context, env *environment, r *recipes.Recipe) (*locking, error) {
	k := &locking{env: env, recipe: r, terminal: stderrTerminal()}
	var err error
	if k.store, err = env.blobs(); err != nil {
		return nil, err
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return nil, err
	}
	k.images = &registryImages{registry: registry}
	return k, nil
}

func (l newLock) write(stderr io.Writer) error {
	file := l.recipe.LockPath()
	if bytes.Equal(l.old, l.text) {
		_, err := fmt.Fprintf(stderr, "%s is up to date\n", file)
		return err
	}
	if err := writeWhole(file, l.text); err != nil {
		return fmt.Errorf("writing lock: %w", err)
	}
	_, err := fmt.Fprintf(stderr, "%s: %d packages to build with, %d sources\n", file, len(l.lock.Platforms[0].Build), len(l.lock.Sources))
	return err
}

// fittingLock reads the recipe's lock, which must be there and fit. One that
// does not fit is returned with the error.
func fittingLock(r *recipes.Recipe) (*recipes.Lock, error) {
	l, err := recipes.ReadLock(r.LockPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, withHint{err, "`kiln lock " + r.File + "` makes it"}
	}
	if err != nil {
		return nil, err
	}
	return l, l.Fits(r)
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
