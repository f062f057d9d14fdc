package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/folder"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// restore lays out in dir what the provenance names: the recipe, its lock, and
// what the recipe takes from its own folder. All of it together has the build
// key of the provenance, or it is an error.
func (r *reproduction) restore(ctx context.Context, dir string) error {
	beside := filepath.Join(dir, folder.Recipe)
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return fmt.Errorf("laying out the recipe: %w", err)
	}
	if err := r.unpack(ctx, dir); err != nil {
		return err
	}
	file := filepath.Join(beside, "recipe.yaml")
	if err := os.WriteFile(file, r.origin.Recipe, 0o600); err != nil {
		return fmt.Errorf("laying out the recipe: %w", err)
	}
	var err error
	if r.recipe, err = recipes.LoadVariant(file, r.origin.Variant); err != nil {
		return fmt.Errorf("reading the recipe of the provenance: %w", err)
	}
	if r.lock, err = recipes.ParseLock(r.recipe.LockPath(), r.origin.Lock); err != nil {
		return fmt.Errorf("reading the lock of the provenance: %w", err)
	}
	if err := r.lock.Fits(r.recipe); err != nil {
		return fmt.Errorf("reading the lock of the provenance: %w", err)
	}
	if err := r.relocate(dir); err != nil {
		return err
	}
	r.target = &layoutTarget{dir: "rebuilt", name: r.recipe.Name, tags: []string{r.recipe.Tag()}}
	r.failure = &failure{}
	return r.sameInputs(ctx)
}

// unpack writes the archive that the provenance names, if it names one.
func (r *reproduction) unpack(ctx context.Context, dir string) error {
	if r.origin.Folder == (v1.Hash{}) {
		return nil
	}
	blob, err := r.build.registry.Blob(ctx, r.at(r.origin.Folder))
	if err != nil {
		return withHint{err, "it holds the recipe's local sources: copy images with their referrers, as `oras copy -r` does"}
	}
	defer blob.Close()
	return folder.Unpack(blob, dir)
}

// relocate has the recipe find its local sources where they were laid out.
// Where the recipe had them may be above its own folder.
func (r *reproduction) relocate(dir string) error {
	for i := range r.recipe.Sources {
		s := &r.recipe.Sources[i]
		if s.Local == nil {
			continue
		}
		if r.origin.Folder == (v1.Hash{}) {
			return withHint{
				fmt.Errorf("reproducing %s: its local source %s is not kept beside it", r.reference(), s.Local.Path),
				"it was built with --no-sources, or holds a private key: only who has the source can build it again",
			}
		}
		own := filepath.Join(dir, filepath.FromSlash(folder.SourceFolder(i)))
		if err := os.MkdirAll(own, 0o700); err != nil {
			return fmt.Errorf("laying out the recipe: %w", err)
		}
		s.Local.Path = filepath.Join("..", filepath.FromSlash(folder.SourceFolder(i)))
	}
	return nil
}

// sameInputs computes the build keys and holds them against the provenance.
func (r *reproduction) sameInputs(ctx context.Context) error {
	r.platforms = r.origin.Platforms
	if r.origin.Platform != "" {
		r.platforms = []string{r.origin.Platform}
	}
	if len(r.platforms) == 0 {
		return fmt.Errorf("reproducing %s: the provenance names no platform", r.reference())
	}
	var err error
	if r.trees, err = builder.LocalTrees(ctx, r.recipe); err != nil {
		return err
	}
	for _, p := range r.platforms {
		key, err := builder.Key(r.recipe, r.lock, r.trees, p)
		if err != nil {
			return err
		}
		r.keys = append(r.keys, key)
	}
	if got := builder.IndexKey(r.keys); got != r.origin.Key {
		return &sign.Error{Subject: r.digest(), PredicateType: sign.PredicateProvenance, Reason: fmt.Errorf(
			"its build key is %s, but recipe, lock and local sources as attached have %s", r.origin.Key, got)}
	}
	return nil
}
