package builder

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// key is a digest of all that decides what a fetch does.
func (e *Fetcher) key(ctx context.Context, f *Fetch) (string, error) {
	seen, err := e.seen(ctx, f)
	if err != nil {
		return "", err
	}
	return f.key(seen)
}

// key is the digest, given one of what the fetch sees. It needs nothing that
// the packages or the image of the build environment would have to be
// downloaded for.
func (f *Fetch) key(seen string) (string, error) {
	p := f.plan
	_, image, _ := strings.Cut(p.recipe.Build.Image, "@")
	return memo.Key(fetchFormat, rootFormat, p.target, p.lock.Epoch.Seconds, image, p.packages.Build, p.variables(),
		f.spec.dir, f.spec.out, f.spec.args, f.spec.env, seen)
}

// remembered names the result of a fetch in kiln's memory: that of another
// step with the same fetch is the same.
func remembered(key string, locked recipes.LockedFetch) (string, error) {
	return memo.Key(key, locked.Files)
}

// seen is a digest of the files of the source tree that the fetch sees. Only
// where the engine, or a step, had a part in them it has to be asked.
func (e *Fetcher) seen(ctx context.Context, f *Fetch) (string, error) {
	if f.first {
		return seenFiles(f.plan.in.Files, f.spec.files)
	}
	sp, err := spool.New("")
	if err != nil {
		return "", err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	entries, err := e.export(ctx, f.plan, f.sees, "reading what to fetch", sp)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for i := range entries {
		if err := layer.Hash(&entries[i]); err != nil {
			return "", fmt.Errorf("reading what to fetch: %w", err)
		}
		if entries[i].Type != tar.TypeDir {
			writeSeen(h, entries[i].File)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// SameFetches reports whether the keys of was, what the lock of a platform has,
// say that its fetches would do the same again. In needs no build environment.
// Where a fetch sees what a step, or one before it, made, it is not known, and
// the answer is no.
func SameFetches(r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs, was []recipes.LockedFetch) (bool, error) {
	for {
		f, err := NextFetch(r, l, platform, in)
		if err != nil || f == nil {
			return err == nil && len(in.Fetched) == len(was), err
		}
		if f.Index >= len(was) || !f.first {
			return false, nil
		}
		seen, err := seenFiles(f.plan.in.Files, f.spec.files)
		if err != nil {
			return false, err
		}
		key, err := f.key(seen)
		if locked := was[f.Index]; err != nil || locked.Key != key || locked.Step != f.Step || locked.Result == "" {
			return false, err
		}
		// Only the graph is looked at, never carried out.
		in.Fetched = append(in.Fetched, v1.Hash{Algorithm: "sha256", Hex: was[f.Index].Result})
	}
}
