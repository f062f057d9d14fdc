package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func catalogLockCommand() *cli.Command {
	return &cli.Command{
		Name: "lock", Usage: "pin every input of the recipes of a catalog", ArgsUsage: "[NAME...]",
		Description: "Locks as `kiln lock` does, several recipes at a time. One that fails keeps its lock as it was,\n" +
			"and does not keep the others from being locked.",
		Flags: slices.Concat(catalogFlags(), archiveFlags(), engineFlags(), registryFlags(), mirrorFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "write nothing; fail where a lock does not fit its recipe, or locking afresh would change it"},
			&cli.BoolFlag{Name: "missing", Usage: "only recipes without a lock that fits"},
			&cli.IntFlag{Name: "jobs", Value: runtime.GOMAXPROCS(0), Usage: "lock `N` recipes at a time"},
		}),
		OnUsageError: usageError,
		Action:       runCatalogLock,
	}
}

func runCatalogLock(c *cli.Context) error {
	if c.Int("jobs") < 1 {
		return usagef("--jobs: want 1 or more")
	}
	catalog, err := openCatalog(c)
	if err != nil {
		return err
	}
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	failed := make([]error, len(catalog.chosen))
	screen := newCatalogScreen(c.App.ErrWriter, stderrTerminal())
	err = inParallel(c.Context, len(catalog.chosen), c.Int("jobs"), func(_ context.Context, i int) error {
		e := catalog.chosen[i]
		if failed[i] = e.Err; e.Err == nil {
			screen.began(e.Name)
			failed[i] = lockEntry(c, env, e, screen)
			screen.left(e.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	screen.clear()
	var names []string
	for i, e := range catalog.chosen {
		if failed[i] != nil {
			names = append(names, e.Name)
			report(c.App.ErrWriter, failed[i])
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("locking the catalog: %d of %d failed: %s", len(names), len(catalog.chosen), strings.Join(names, ", "))
	}
	return nil
}

// lockEntry locks a recipe and its variants, and writes when all are made.
func lockEntry(c *cli.Context, env *environment, e *recipes.Entry, screen *catalogScreen) error {
	all := slices.DeleteFunc(e.All(), func(r *recipes.Recipe) bool {
		_, err := fittingLock(r)
		return c.Bool("missing") && err == nil
	})
	return lockAll(c, env, all, screen.about(e.Name))
}
