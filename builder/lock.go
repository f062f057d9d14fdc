package builder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

// Locker pins recipes.
type Locker struct {
	Archive *archive.Client
	Sources *source.Fetcher
	// Git resolves git sources.
	Git func(context.Context, recipes.GitSource) (Commit, error)
}

// Lock pins every input of a recipe as the archive and the sources are now.
func (k *Locker) Lock(ctx context.Context, r *recipes.Recipe) (*recipes.Lock, error) {
	l := &recipes.Lock{
		Kiln: recipes.FormatVersion, Inputs: recipes.Inputs(r),
		Sources: make([]recipes.LockedSource, len(r.Sources)), Platforms: make([]recipes.LockedPlatform, len(r.Platforms)),
	}
	times := make([]int64, len(r.Sources))
	archives := make([][]recipes.Archive, len(r.Platforms))
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range r.Sources {
		g.Go(func() error {
			pinned, err := k.source(ctx, s, r)
			if err != nil {
				return placed(r, s.Pos, fmt.Errorf("locking %s: %w", s, err))
			}
			l.Sources[i], times[i] = pinned.LockedSource, pinned.Time
			return nil
		})
	}
	for i, p := range r.Platforms {
		g.Go(func() error {
			var err error
			l.Platforms[i], archives[i], err = k.platform(ctx, r, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := sameArchives(archives, r.Platforms); err != nil {
		return nil, err
	}
	if err := checkSkew(l.Platforms); err != nil {
		return nil, placed(r, r.Pos("platforms"), err)
	}
	l.Archives = archives[0]
	if err := k.addSourceSuites(ctx, r, l); err != nil {
		return nil, err
	}
	l.Epoch = epoch(l, times)
	return l, nil
}

func (k *Locker) source(ctx context.Context, s recipes.Source, r *recipes.Recipe) (source.Pinned, error) {
	if s.Git == nil {
		return k.Sources.Lock(ctx, s, filepath.Dir(r.File), func() (source.Sources, error) {
			return k.Archive.Sources(ctx, sourceRelease(r, s))
		})
	}
	c, err := k.Git(ctx, *s.Git)
	if err != nil {
		return source.Pinned{}, err
	}
	name := strings.TrimSuffix(filepath.Base(s.Git.URL), ".git")
	return source.Pinned{Time: c.Time, LockedSource: recipes.LockedSource{
		Kind: "git", Name: name, Version: s.Git.Ref, Commit: c.ID,
	}}, nil
}

// sourceRelease is the release that a Debian source comes from.
func sourceRelease(r *recipes.Recipe, s recipes.Source) string {
	if s.Debian.Suite == "" {
		return r.Suite
	}
	release, _, _ := strings.Cut(s.Debian.Suite, "-")
	return release
}

// addSourceSuites adds to the lock the suites that only sources come from.
func (k *Locker) addSourceSuites(ctx context.Context, r *recipes.Recipe, l *recipes.Lock) error {
	for _, s := range r.Sources {
		if s.Debian == nil || sourceRelease(r, s) == r.Suite {
			continue
		}
		index, err := k.Archive.Sources(ctx, sourceRelease(r, s))
		if err != nil {
			return placed(r, s.Pos, fmt.Errorf("locking %s: %w", s, err))
		}
		for _, a := range index.Archives() {
			if !slices.Contains(l.Archives, a) {
				l.Archives = append(l.Archives, a)
			}
		}
	}
	return nil
}

// epoch is the time of the first source that has one, else that of the
// archive.
func epoch(l *recipes.Lock, times []int64) recipes.Epoch {
	for i, t := range times {
		if t > 0 {
			s := l.Sources[i]
			return recipes.Epoch{Seconds: t, From: strings.TrimSpace(s.Kind + " " + s.Name + " " + s.Version)}
		}
	}
	var newest recipes.Epoch
	for _, a := range l.Archives {
		t, err := time.Parse(time.RFC3339, a.Date)
		if err == nil && t.Unix() > newest.Seconds {
			newest = recipes.Epoch{Seconds: t.Unix(), From: a.Archive + " " + a.Suite + " InRelease"}
		}
	}
	return newest
}
