package main

import (
	"context"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes/lint"
)

func catalogLintCommand() *cli.Command {
	return &cli.Command{
		Name: "lint", Usage: "find what is not good in the recipes of a catalog", ArgsUsage: "[NAME...]",
		Description: "Looks at each as `kiln lint` does, and at what they are together. Exits with 1 where a finding\n" +
			"is an error.",
		Flags:        append(catalogFlags(), lintFlags()...),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			catalog, err := openCatalog(c)
			if err != nil {
				return err
			}
			return printFindings(c, func() ([]lint.Finding, error) { return lintCatalog(c.Context, catalog) })
		},
	}
}

func lintCatalog(ctx context.Context, catalog *chosenCatalog) ([]lint.Finding, error) {
	together := lint.Catalog(catalog.Catalog)
	all := make([][]lint.Finding, len(catalog.chosen))
	err := inParallel(ctx, len(catalog.chosen), runtime.GOMAXPROCS(0), func(_ context.Context, i int) (err error) {
		e := catalog.chosen[i]
		all[i], err = lintEntry(e, catalog.Config.Catalog.EOL)
		for _, f := range together {
			if f.File == e.File {
				all[i] = append(all[i], f)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return append([]lint.Finding{}, slices.Concat(all...)...), nil
}
