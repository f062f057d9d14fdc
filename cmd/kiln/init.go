package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/detect"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write a recipe for a folder of source code", ArgsUsage: "[DIR]",
		Description: "Tells the language by go.mod, Cargo.toml, package.json and the like, and writes\n" +
			"recipe.yaml beside it. It says what it assumed, and overwrites nothing. With --catalog it\n" +
			"writes a kiln.yaml for a folder of many recipes in its place.\n\n" +
			"Example: kiln init . && kiln build .",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "catalog", Usage: "write a kiln.yaml for a catalog of recipes"},
			&cli.StringFlag{Name: "repository", Usage: "with --catalog: where images go, such as registry.corp/platform/${name}"},
		},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("kiln init: want one folder, got %d arguments", c.NArg())
			}
			dir := c.Args().First()
			if dir == "" {
				dir = "."
			}
			if c.Bool("catalog") {
				return initCatalog(c, dir)
			}
			if err := needs(c, "catalog", []string{"repository"}); err != nil {
				return err
			}
			return runInit(c, dir)
		},
	}
}

func runInit(c *cli.Context, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "recipe.yaml")
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return withHint{fmt.Errorf("writing a recipe: %s is there already", file), "`kiln lint " + file + "` says what could be better in it"}
	}
	if _, err := os.ReadDir(dir); err != nil {
		return fmt.Errorf("reading the source: %w", err)
	}
	draft, err := detect.Folder(os.DirFS(dir), filepath.Base(abs))
	if errors.Is(err, detect.ErrUnknown) {
		return withHint{fmt.Errorf("%s: %w", dir, err), "there are no go.mod, Cargo.toml, package.json, pyproject.toml, meson.build, CMakeLists.txt, configure or Makefile"}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	text := draft.Recipe()
	if _, err := recipes.Parse(file, text); err != nil {
		return withHint{fmt.Errorf("writing a recipe for the %s project: %w", draft.Language, err), "write it by hand; `kiln explain` shows the fields"}
	}
	if err := writeNew(file, text); err != nil {
		return fmt.Errorf("writing a recipe: %w", err)
	}
	w := c.App.ErrWriter
	fmt.Fprintf(w, "%s is for a project in %s\n", file, draft.Language)
	for _, a := range draft.Assumed {
		fmt.Fprintf(w, "  %s\n", a)
	}
	fmt.Fprintf(w, "next: kiln lint %s; kiln lock %s; kiln build %s\n", dir, dir, dir)
	_, err = fmt.Fprintln(c.App.Writer, file)
	return err
}

// writeNew writes a file that must not be there, as a whole.
func writeNew(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		return f.Close()
	}
	return errors.Join(err, f.Close(), os.Remove(file))
}
