package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/test/registry"
)

// BenchmarkCatalog is about a catalog of a thousand recipes whose images are
// all in a registry.
func BenchmarkCatalog(b *testing.B) {
	const n = 1000
	server := registry.Start(b, registry.Options{})
	dir := b.TempDir()
	for _, v := range []string{"XDG_CACHE_HOME", "XDG_STATE_HOME"} {
		b.Setenv(v, filepath.Join(dir, v))
	}
	b.Setenv("KILN_ENGINE", "unix://"+filepath.Join(dir, "none.sock"))
	seed(b, dir, server.Addr, n)
	for _, command := range []string{"list", "lint", "matrix", "build", "why"} {
		args := []string{"kiln", "catalog", command, "--catalog", dir}
		if command == "build" {
			args = append(args, "--push")
			kiln(b, args) // each image is verified once
		}
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				kiln(b, args)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*n), "ms/recipe")
		})
	}
}

func kiln(b *testing.B, args []string) {
	b.Helper()
	app := newApp(io.Discard, io.Discard)
	if err := app.RunContext(b.Context(), args); err != nil {
		b.Fatal(err)
	}
}

// seed makes a catalog of n recipes, with the lock of a real one, and an image
// for each that has what a build attaches, and random files.
func seed(b *testing.B, dir, registry string, n int) {
	b.Helper()
	text, err := os.ReadFile("../../recipes/catalog/nats/recipe.yaml")
	check(b, err)
	lock, err := os.ReadFile("../../recipes/catalog/nats/recipe.lock")
	check(b, err)
	check(b, os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte("kiln: v1\ncatalog: {repository: \""+registry+"/p/${name}\"}\n"), 0o600))
	key, _, err := sign.DevelopmentKey(filepath.Join(dir, "XDG_STATE_HOME", "kiln", "keys"))
	check(b, err)
	reg, err := push.New(push.Config{})
	check(b, err)
	check(b, inParallel(b.Context(), n, 8, func(ctx context.Context, i int) error {
		service := fmt.Sprintf("service-%04d", i)
		at := filepath.Join(dir, service)
		recipe := strings.Replace(string(text), "name: nats\n", "name: "+service+"\n", 1)
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(at, "recipe.yaml"), []byte(recipe), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(at, "recipe.lock"), lock, 0o600); err != nil {
			return err
		}
		r, err := recipes.Load(filepath.Join(at, "recipe.yaml"))
		if err != nil {
			return err
		}
		made, err := stub(ctx, r)
		if err != nil {
			return err
		}
		attach := func(_ context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
			return sign.Sign(ctx, subject, r.Name, key, made.statements[subject.Digest], sign.Options{Existing: existing})
		}
		repo, err := name.NewRepository(registry + "/p/" + service)
		if err != nil {
			return err
		}
		_, err = reg.Push(ctx, repo, made.top, attach, []string{r.Version})
		return err
	}))
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
