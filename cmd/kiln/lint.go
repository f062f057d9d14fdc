package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/lint"
)

func lintCommand() *cli.Command {
	return &cli.Command{
		Name: "lint", Usage: "find what is not good in recipes", ArgsUsage: "RECIPE...",
		Description: "Builds and fetches nothing. Exits with 1 where a finding is an error. A comment\n" +
			"`# kiln-lint: ignore=RULE reason`, in the line or alone in the one before, excuses a\n" +
			"finding; `kiln explain rule` lists the rules.\n\n" +
			"Example: kiln lint --format sarif recipes/*/recipe.yaml > kiln.sarif",
		Flags:        lintFlags(),
		OnUsageError: usageError,
		Action:       runLint,
	}
}

func lintFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "text", Usage: "text, json, sarif (2.1.0) or github (annotations of GitHub Actions)"},
		&cli.BoolFlag{Name: "strict", Usage: "exit with 1 where a finding is a warning as well"},
	}
}

func runLint(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("kiln lint: want one or more recipes")
	}
	return printFindings(c, func() ([]lint.Finding, error) {
		var found []lint.Finding
		for _, file := range c.Args().Slice() {
			here, err := lintRecipe(file)
			if err != nil {
				return nil, err
			}
			found = append(found, here...)
		}
		return append([]lint.Finding{}, found...), nil
	})
}

// printFindings prints what look finds, in the format that was asked for.
func printFindings(c *cli.Context, look func() ([]lint.Finding, error)) error {
	formats := map[string]func(io.Writer, []lint.Finding) error{
		"text": lintText, "json": lintJSON, "sarif": lintSARIF, "github": lintGitHub,
	}
	write, ok := formats[c.String("format")]
	if !ok {
		return usagef("--format: want text, json, sarif or github, got %q", c.String("format"))
	}
	found, err := look()
	if err != nil {
		return err
	}
	if err := write(c.App.Writer, found); err != nil {
		return err
	}
	switch worst := lint.Worst(found); {
	case worst == lint.Error, worst == lint.Warning && c.Bool("strict"):
		return fmt.Errorf("linting: %s", counted(found))
	}
	return nil
}

// lintRecipe looks at a recipe and its variants.
func lintRecipe(file string) ([]lint.Finding, error) {
	file = recipeFile(file)
	config, err := recipes.FindConfig(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	e := &recipes.Entry{File: file}
	e.Load(config.Defaults())
	var eol recipes.CatalogEOL
	if config.Catalog != nil {
		eol = config.Catalog.EOL
	}
	return lintEntry(e, eol)
}

// lintEntry looks at a recipe and its variants. One that does not load has its
// mistakes as findings; only what cannot be read at all is an error.
func lintEntry(e *recipes.Entry, eol recipes.CatalogEOL) ([]lint.Finding, error) {
	var wrong *recipes.Errors
	if errors.As(e.Err, &wrong) {
		return lint.Wrong(wrong), nil
	}
	if e.Err != nil {
		return nil, e.Err
	}
	var found []lint.Finding
	for _, r := range e.All() {
		here, err := lintVariant(r, eol)
		if err != nil {
			return nil, err
		}
		found = append(found, here...)
	}
	return lint.Merge(found), nil
}

func lintVariant(r *recipes.Recipe, eol recipes.CatalogEOL) ([]lint.Finding, error) {
	in := lint.Input{Recipe: r, ToolchainPackages: builder.ToolchainPackages, Today: today(), EOL: eol}
	var inLock, inVEX error
	in.Lock, inLock = recipes.ReadLock(r.LockPath())
	in.VEX, inVEX = r.ReadVEX()
	var mistakes []lint.Finding
	for _, err := range []error{inLock, inVEX} {
		var wrong *recipes.Errors
		switch {
		case errors.As(err, &wrong):
			mistakes = append(mistakes, lint.Wrong(wrong)...)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
	}
	return append(lint.Check(in), mistakes...), nil
}

func lintText(w io.Writer, found []lint.Finding) error {
	for _, f := range found {
		p := f.Problem
		p.Msg = fmt.Sprintf("%s: %s [%s]", f.Level, p.Msg, f.Rule)
		if _, err := fmt.Fprintf(w, "%s\n", p); err != nil {
			return err
		}
		if p.Hint != "" {
			fmt.Fprintf(w, "  fix: %s\n", p.Hint)
		}
	}
	return nil
}

// jsonFinding is a finding as --format json prints it.
type jsonFinding struct {
	File    string     `json:"file"`
	Line    int        `json:"line"`
	Column  int        `json:"column"`
	Rule    string     `json:"rule"`
	Level   lint.Level `json:"level"`
	Message string     `json:"message"`
	Fix     string     `json:"fix,omitempty"`
}

func lintJSON(w io.Writer, found []lint.Finding) error {
	list := []jsonFinding{}
	for _, f := range found {
		list = append(list, jsonFinding{f.File, f.Pos.Line, f.Pos.Col, f.Rule, f.Level, f.Msg, f.Hint})
	}
	return printJSON(w, list)
}

func lintGitHub(w io.Writer, found []lint.Finding) error {
	for _, f := range found {
		level := string(f.Level)
		if f.Level == lint.Note {
			level = "notice"
		}
		a := annotation{level: level, problem: f.Problem, title: "kiln lint: " + f.Rule}
		if _, err := fmt.Fprintln(w, a.command(os.Getenv("GITHUB_WORKSPACE"))); err != nil {
			return err
		}
	}
	return nil
}

func counted(found []lint.Finding) string {
	text := ""
	for _, l := range []lint.Level{lint.Error, lint.Warning, lint.Note} {
		n := len(slices.DeleteFunc(slices.Clone(found), func(f lint.Finding) bool { return f.Level != l }))
		switch {
		case n == 0:
			continue
		case text != "":
			text += ", "
		}
		text += plural(n, string(l))
	}
	return text
}
