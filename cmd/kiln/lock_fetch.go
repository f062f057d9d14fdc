package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

// lockFetches has an engine carry out what the recipe's steps fetch, and puts
// what that was into the lock.
func (e *environment) lockFetches(ctx context.Context, store *blobs.Store, debian *archive.Client, images *registryImages, r *recipes.Recipe, l *recipes.Lock) error {
	if !slices.ContainsFunc(r.Build.Steps, recipes.Step.Fetches) {
		return nil
	}
	conns := &engines{env: e}
	defer conns.close()
	display, err := progress.New(os.Stderr, "quiet")
	if err != nil {
		return err
	}
	trees, err := builder.LocalTrees(ctx, r)
	if err != nil {
		return err
	}
	bases := e.bases(ctx, r)
	for i, p := range l.Platforms {
		conn, err := conns.running(ctx, p.RunsOn())
		if err != nil {
			return fmt.Errorf("locking what the steps fetch: %w", err)
		}
		engine := &builder.Engine{Client: conn.Client, Store: store, Display: display, Secrets: e.secrets(), Bases: bases}
		inputs, err := e.preparer(debian, images, engine).Prepare(ctx, r, l, trees, p.Platform)
		if err != nil {
			return err
		}
		fetch := &builder.Fetcher{Engine: engine, Memo: e.memo()}
		if l.Platforms[i].Fetches, err = fetch.Lock(ctx, r, l, p.Platform, inputs); err != nil {
			return err
		}
	}
	return nil
}
