package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func catalogCommand() *cli.Command {
	return &cli.Command{
		Name: "catalog", Usage: "look after many recipes at once",
		Description: "A catalog is a folder with a kiln.yaml that says `catalog:`; its recipes are the folders below\n" +
			"that have a recipe.yaml. NAME is a recipe's name or folder, or a pattern such as 'postgres*'.",
		OnUsageError: usageError,
		Subcommands: []*cli.Command{
			catalogListCommand(), catalogLintCommand(), catalogLockCommand(), catalogBuildCommand(), catalogMatrixCommand(),
			catalogWhyCommand(), catalogGraphCommand(), catalogSiteCommand(), catalogServeCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// catalogFlags choose the catalog and which of its recipes a command is about.
func catalogFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "catalog", Value: ".", Usage: "a `FOLDER` of the catalog"},
		&cli.StringFlag{Name: "since", Usage: "only recipes that differ from the git revision `REV`, and those whose images stand on theirs"},
	}
}

// chosenCatalog is a catalog and those of its recipes that arguments and flags
// name, those first that others stand on.
type chosenCatalog struct {
	*recipes.Catalog
	chosen []*recipes.Entry
}

func openCatalog(c *cli.Context) (*chosenCatalog, error) {
	catalog, err := recipes.OpenCatalog(c.String("catalog"))
	if err != nil {
		return nil, err
	}
	named, err := catalog.Named(c.Args().Slice())
	var unknown *recipes.UnknownEntryError
	if errors.As(err, &unknown) {
		return nil, usage{err}
	}
	if err != nil {
		return nil, err
	}
	if c.String("since") != "" {
		changed, err := changedSince(c.Context, catalog, c.String("since"))
		if err != nil {
			return nil, err
		}
		named = slices.DeleteFunc(slices.Clone(named), func(e *recipes.Entry) bool { return !changed[e] })
	}
	ordered, err := catalog.Ordered()
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(ordered, func(e *recipes.Entry) bool { return !slices.Contains(named, e) })
	return &chosenCatalog{Catalog: catalog, chosen: chosen}, nil
}

// loaded is an error about all the chosen recipes that do not load.
func (c *chosenCatalog) loaded() error {
	var all []error
	for _, e := range c.chosen {
		all = append(all, e.Err)
	}
	return errors.Join(all...)
}

func catalogListCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "list the recipes of a catalog", ArgsUsage: "[NAME...]",
		Flags:        append(catalogFlags(), outputFlag("text (a table) or json")),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if err := checkOutput(c); err != nil {
				return err
			}
			catalog, err := openCatalog(c)
			if err != nil {
				return err
			}
			slices.SortFunc(catalog.chosen, func(a, b *recipes.Entry) int { return cmp.Compare(a.Dir, b.Dir) })
			list := make([]listed, len(catalog.chosen))
			err = inParallel(c.Context, len(list), runtime.GOMAXPROCS(0), func(_ context.Context, i int) error {
				list[i] = listing(catalog.Catalog, catalog.chosen[i])
				return nil
			})
			if err != nil {
				return err
			}
			if c.String("output") == "json" {
				return printJSON(c.App.Writer, list)
			}
			return printList(c.App.Writer, list)
		},
	}
}

// listed is a recipe of a catalog, as --output json prints it.
type listed struct {
	Name        string   `json:"name"`
	Recipe      string   `json:"recipe"`
	Version     string   `json:"version,omitempty"`
	Repository  string   `json:"repository,omitempty"`
	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	License     string   `json:"license,omitempty"`
	Homepage    string   `json:"homepage,omitempty"`
	Upstream    string   `json:"upstream,omitempty"`
	Base        string   `json:"base,omitempty"`
	EOL         string   `json:"eol,omitempty"`
	Categories  []string `json:"categories,omitempty"`
	Owners      []string `json:"owners,omitempty"`
	Platforms   []string `json:"platforms,omitempty"`
	Variants    []string `json:"variants,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	// Lock is locked, missing, stale, or why it cannot be read; Error is why the
	// recipe does not load.
	Lock  string `json:"lock,omitempty"`
	Error string `json:"error,omitempty"`
}

func listing(catalog *recipes.Catalog, e *recipes.Entry) listed {
	out := listed{Name: e.Name, Recipe: e.File}
	if e.Err != nil {
		out.Error = e.Err.Error()
		return out
	}
	r := e.Recipe
	out.Version, out.Summary, out.Description, out.License, out.Homepage, out.Upstream = r.Version, r.Summary, r.Description, r.License, r.Homepage, r.Upstream
	out.Base, out.EOL, out.Categories, out.Owners, out.Platforms, out.Variants = r.Image.Base, r.EOL, r.Categories, catalog.OwnersOf(r), r.Platforms, r.Variants
	out.Repository = catalog.Config.Catalog.RepositoryOf(r.Name)
	l, err := fittingLock(r)
	out.Lock = lockState(err)
	if l == nil {
		l = &recipes.Lock{}
	}
	out.Tags = catalog.Config.Catalog.TagsOf(r, l)
	return out
}

func lockState(err error) string {
	var stale *recipes.StaleError
	switch {
	case err == nil:
		return "locked"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.As(err, &stale):
		return "stale"
	}
	return err.Error()
}

func printList(w io.Writer, list []listed) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVERSION\tLOCK\tPLATFORMS\tBASE\tEOL\tOWNERS\tSUMMARY")
	for _, l := range list {
		if l.Error != "" {
			fmt.Fprintf(t, "%s\t-\t-\t-\t-\t-\t-\tdoes not load: %s\n", l.Name, headline(l.Error))
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.Version, headline(l.Lock), strings.Join(l.Platforms, ","), shortBase(l.Base),
			cmp.Or(l.EOL, "-"), cmp.Or(strings.Join(l.Owners, ","), "-"), l.Summary)
	}
	return t.Flush()
}

// shortBase is a base without a digest.
func shortBase(base string) string {
	short, _, _ := strings.Cut(base, "@sha256:")
	return short
}

func headline(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
