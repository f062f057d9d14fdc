package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

// fetches has an engine carry out what the recipe's steps fetch, and puts what
// that was into the lock. To check a lock, only what its keys do not answer for
// is fetched.
func (k *locking) fetches(ctx context.Context, debian *archive.Client, display *progress.Display, l *recipes.Lock) error {
	if !slices.ContainsFunc(k.recipe.Build.Steps, recipes.Step.Fetches) {
		return nil
	}
	trees, err := builder.LocalTrees(ctx, k.recipe)
	if err != nil {
		return err
	}
	conns := &engines{env: k.env}
	defer conns.close()
	bases := k.env.bases(ctx, k.recipe)
	for i, p := range l.Platforms {
		if k.check || k.sparing {
			same, err := k.unchanged(ctx, debian, l, trees, i)
			if err != nil {
				return err
			}
			if same {
				continue
			}
		}
		conn, err := conns.running(ctx, p.RunsOn())
		if err != nil {
			return fmt.Errorf("locking what the steps fetch: %w", err)
		}
		engine := &builder.Engine{Client: conn.Client, Store: k.store, Display: display, Secrets: k.env.secrets(), Bases: bases}
		inputs, err := k.env.preparer(debian, k.images, engine).Prepare(ctx, k.recipe, l, trees, p.Platform)
		if err != nil {
			return err
		}
		fetch := &builder.Fetcher{Engine: engine, Memo: k.env.memo()}
		if l.Platforms[i].Fetches, err = fetch.Lock(ctx, k.recipe, l, p.Platform, inputs); err != nil {
			return err
		}
		k.settle(l, i)
	}
	return nil
}

// unchanged takes what a platform's steps fetch over from the lock that there
// is, where nothing that decides about it has changed. It takes no engine.
func (k *locking) unchanged(ctx context.Context, debian *archive.Client, l *recipes.Lock, trees builder.Trees, i int) (bool, error) {
	none := &builder.Engine{Store: k.store}
	inputs, err := k.env.preparer(debian, k.images, none).Laid(ctx, k.recipe, l, trees, l.Platforms[i].Platform)
	if err != nil {
		return false, err
	}
	was := k.was.Platforms[i].Fetches
	same, err := builder.SameFetches(k.recipe, l, l.Platforms[i].Platform, inputs, was)
	if same {
		l.Platforms[i].Fetches = was
	}
	return same, err
}

// settle keeps, where all else is the same, the lock's own entries of a platform
// where the same files were fetched again: their keys change with kiln, and
// what a command leaves may have times in it.
func (k *locking) settle(l *recipes.Lock, i int) {
	if !k.same {
		return
	}
	was := k.was.Platforms[i].Fetches
	if slices.EqualFunc(was, l.Platforms[i].Fetches, func(a, b recipes.LockedFetch) bool {
		return a.Step == b.Step && a.Kind == b.Kind && slices.Equal(a.Files, b.Files)
	}) {
		l.Platforms[i].Fetches = was
	}
}
