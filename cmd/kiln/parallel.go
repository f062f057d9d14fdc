package main

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// inParallel calls f for each of the first n numbers, at most as many at a time
// as jobs says, until one fails or the context ends.
func inParallel(ctx context.Context, n, jobs int, f func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i := range n {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return f(gctx, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
