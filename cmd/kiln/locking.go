package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/recipes"
)

// locking makes a lock for a recipe as the world is now.
type locking struct {
	env    *environment
	store  *blobs.Store
	images *registryImages
	recipe *recipes.Recipe
	// was is the lock that there is, whether it fits or not; nil where none can
	// be read.
	was *recipes.Lock
	// check is for finding out whether was would change; then it is there, and fits.
	check, terminal bool
	// sparing takes over from was, which fits, what steps fetch, where nothing
	// that decides about it has changed.
	sparing bool
	// same is whether was, which is checked or spared from, pins all but that the
	// same.
	same bool
}

func (k *locking) lock(ctx context.Context) (*recipes.Lock, error) {
	m := newMeter(os.Stderr, "downloading", k.terminal)
	defer m.clear()
	debian, err := k.env.archive(k.store, nil, m.report)
	if err != nil {
		return nil, err
	}
	display, err := progress.New(os.Stderr, "quiet")
	if err != nil {
		return nil, err
	}
	l, err := k.all(ctx, debian, display)
	var missing *archive.MissingError
	if errors.As(err, &missing) {
		// Its own hint is for those who build from an older lock.
		return nil, withHint{err, "the mirror's indexes list a file which it does not have: it may be being updated, so try again later, or name another with --mirror"}
	}
	return l, err
}

// all pins what can be pinned without running anything, and then what steps
// fetch. Where the first already differs from a lock to check, that is the
// answer.
func (k *locking) all(ctx context.Context, debian *archive.Client, display *progress.Display) (*recipes.Lock, error) {
	locker := &builder.Locker{Archive: debian, Sources: k.env.sources(k.store, debian), Git: k.resolveGit(display)}
	l, err := locker.Lock(ctx, k.recipe)
	if err != nil {
		return nil, err
	}
	if err := k.gitTrees(ctx, display, l); err != nil {
		return nil, err
	}
	if err := k.compare(l); err != nil {
		return nil, err
	}
	return l, k.fetches(ctx, debian, display, l)
}

// compare holds what is pinned without running anything against the lock that
// there is.
func (k *locking) compare(l *recipes.Lock) (err error) {
	switch {
	case k.check:
		if k.same, err = sameButFetches(k.was, l); err == nil && !k.same {
			err = k.moved("the archive or a source has moved on since it was locked")
		}
	case k.sparing:
		k.same, err = samePins(withoutFetches(k.was), withoutFetches(l))
	}
	return err
}

// moved is the error of a check.
func (k *locking) moved(why string) error {
	return withHint{fmt.Errorf("%s: %s", k.recipe.LockPath(), why), "`kiln lock " + k.recipe.File + "` locks it afresh"}
}

// sameButFetches compares two locks without what steps fetch.
func sameButFetches(was, l *recipes.Lock) (bool, error) {
	var texts [2][]byte
	for i, lock := range []*recipes.Lock{was, l} {
		var err error
		if texts[i], err = withoutFetches(lock).Marshal(); err != nil {
			return false, err
		}
	}
	return bytes.Equal(texts[0], texts[1]), nil
}

func withoutFetches(l *recipes.Lock) *recipes.Lock {
	plain := *l
	plain.Platforms = slices.Clone(l.Platforms)
	for i := range plain.Platforms {
		plain.Platforms[i].Fetches = nil
	}
	return &plain
}

// gitTrees pins the trees of git sources.
func (k *locking) gitTrees(ctx context.Context, display *progress.Display, l *recipes.Lock) error {
	if !slices.ContainsFunc(k.recipe.Sources, func(s recipes.Source) bool { return s.Git != nil }) {
		return nil
	}
	conn, err := k.env.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	e := &builder.Engine{Client: conn.Client, Store: k.store, Display: display, Secrets: k.env.secrets()}
	fetch := &builder.Fetcher{Engine: e, Memo: k.env.memo()}
	return fetch.LockTrees(ctx, k.recipe, l, k.was)
}

// resolveGit connects to an engine for each source that needs it.
func (k *locking) resolveGit(display *progress.Display) func(context.Context, recipes.GitSource) (builder.Commit, error) {
	return func(ctx context.Context, src recipes.GitSource) (builder.Commit, error) {
		conn, err := k.env.connect(ctx)
		if err != nil {
			return builder.Commit{}, err
		}
		defer conn.Close() //nolint:errcheck // nothing is lost
		b := &builder.Engine{Client: conn.Client, Store: k.store, Display: display, Secrets: k.env.secrets()}
		return b.ResolveGit(ctx, src)
	}
}
