package main

import (
	_ "embed"

	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

//go:embed catalog.yaml
var catalogTemplate string

// initCatalog writes the kiln.yaml of a catalog. What is there stays as it is.
func initCatalog(c *cli.Context, dir string) error {
	file := filepath.Join(dir, recipes.ConfigFile)
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return withHint{fmt.Errorf("making a catalog: %s is there already", file), "add `catalog: {repository: registry.corp/platform/${name}}` to it"}
	}
	repository := cmp.Or(c.String("repository"), "registry.example/platform/${name}")
	text := []byte(strings.ReplaceAll(catalogTemplate, "REPOSITORY", repository))
	if _, err := recipes.ParseConfig(file, text); err != nil {
		return usagef("--repository: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a catalog: %w", err)
	}
	if err := writeNew(file, text); err != nil {
		return fmt.Errorf("making a catalog: %w", err)
	}
	w := c.App.ErrWriter
	fmt.Fprintf(w, "%s is the root of a catalog: each folder below it with a recipe.yaml is one of its recipes\n", file)
	if !c.IsSet("repository") {
		fmt.Fprintln(w, "  the registry is an example: write yours into `repository`")
	}
	fmt.Fprintln(w, "  images are signed with the development key of whoever builds, until `sign` names another")
	fmt.Fprintf(w, "next: kiln init FOLDER-OF-SOURCE, or copy a recipe here; kiln catalog lint --catalog %s; kiln catalog build --push --catalog %s\n", dir, dir)
	_, err := fmt.Fprintln(c.App.Writer, file)
	return err
}
