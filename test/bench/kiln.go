package main

import (
	"context"
	"os"
	"path/filepath"
)

// kiln is the pipeline under test, with folders of its own for its caches and
// its engine.
type kiln struct {
	*bed
	dir string
	env []string
}

// newKiln locks the recipe afresh, as a team that keeps its lock current has
// it in its repository.
func newKiln(ctx context.Context, b *bed) (*kiln, error) {
	k := &kiln{bed: b, dir: filepath.Join(b.tmp, "kiln")}
	for _, v := range []string{"XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"} {
		dir := filepath.Join(k.dir, v)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		k.env = append(k.env, v+"="+dir)
	}
	k.env = append(k.env, "COSIGN_PASSWORD=")
	if err := b.copyRecipe(filepath.Join(k.dir, "hello")); err != nil {
		return nil, err
	}
	return k, k.kiln(ctx, "lock", k.recipe())
}

func (k *kiln) name() string   { return "kiln" }
func (k *kiln) source() string { return filepath.Join(k.dir, "hello", "src") }
func (k *kiln) recipe() string { return filepath.Join(k.dir, "hello", "recipe.yaml") }

func (k *kiln) kiln(ctx context.Context, args ...string) error {
	_, err := command(ctx, k.env, k.tool("kiln"), args...)
	return err
}

func (k *kiln) build(ctx context.Context, repo string) error {
	return k.kiln(ctx, "build", k.recipe(), "--push", k.host+"/"+repo, "--key", k.key, "--progress", "plain")
}

// clean stops the engine as well: starting it is part of kiln's clean build.
func (k *kiln) clean(ctx context.Context) error {
	if err := k.kiln(ctx, "engine", "stop"); err != nil {
		return err
	}
	for _, v := range []string{"XDG_CACHE_HOME", "XDG_STATE_HOME"} {
		if err := os.RemoveAll(filepath.Join(k.dir, v)); err != nil {
			return err
		}
	}
	return nil
}

func (k *kiln) close() { k.kiln(context.Background(), "engine", "stop") } //nolint:errcheck // it stops when idle anyway
