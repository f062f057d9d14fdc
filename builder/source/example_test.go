package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

// A folder beside the recipe becomes a layer for the build.
func ExampleFetcher_Layer() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // an example
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600); err != nil {
		panic(err)
	}
	store, err := blobs.Open(filepath.Join(dir, "cache"))
	if err != nil {
		panic(err)
	}
	f := &source.Fetcher{Cache: store, Memo: memo.Dir(filepath.Join(dir, "memo"))}
	src := recipes.Source{Into: "app", Local: &recipes.LocalSource{Path: ".", Ignore: []string{"cache", "memo"}}}

	ctx := context.Background()
	pinned, err := f.Lock(ctx, src, dir, nil)
	if err != nil {
		panic(err)
	}
	tree, err := source.LocalDigest(ctx, *src.Local, dir)
	if err != nil {
		panic(err)
	}
	l, err := f.Layer(ctx, src, pinned.LockedSource, dir, tree, 0)
	if err != nil {
		panic(err)
	}
	for _, file := range l.Files {
		fmt.Printf("%04o %s\n", file.Mode, file.Path)
	}
	// Output:
	// 0755 /app
	// 0644 /app/main.go
}
