package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func catalogMatrixCommand() *cli.Command {
	return &cli.Command{
		Name: "matrix", Usage: "print recipes as the matrix of a GitHub Actions job", ArgsUsage: "[NAME...]",
		Description: "Each member has `name` and `recipe`; with --shards, `shard` and `names`, which are separated by\n" +
			"spaces. What stands on another image is in the same shard.\n\n" +
			"Example: echo \"matrix=$(kiln catalog matrix --since origin/main)\" >> \"$GITHUB_OUTPUT\"",
		Flags:        append(catalogFlags(), &cli.IntFlag{Name: "shards", Usage: "share the recipes among at most `N` jobs"}),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Int("shards") < 0 || c.IsSet("shards") && c.Int("shards") == 0 {
				return usagef("--shards: want 1 or more")
			}
			catalog, err := openCatalog(c)
			if err != nil {
				return err
			}
			if err := catalog.loaded(); err != nil {
				return err
			}
			return json.NewEncoder(c.App.Writer).Encode(catalog.matrix(c.Int("shards")))
		},
	}
}

// matrix is the strategy.matrix of a job.
type matrix struct {
	Include []matrixJob `json:"include"`
}

type matrixJob struct {
	Name   string `json:"name,omitempty"`
	Recipe string `json:"recipe,omitempty"`
	Shard  int    `json:"shard,omitempty"`
	Names  string `json:"names,omitempty"`
}

func (c *chosenCatalog) matrix(shards int) matrix {
	m := matrix{Include: []matrixJob{}}
	if shards == 0 {
		for _, e := range c.chosen {
			m.Include = append(m.Include, matrixJob{Name: e.Name, Recipe: e.File})
		}
		return m
	}
	for _, names := range spread(c.groups(), shards) {
		m.Include = append(m.Include, matrixJob{Shard: len(m.Include) + 1, Names: strings.Join(names, " ")})
	}
	return m
}

// groups are the names of the chosen recipes, those together that stand on each
// other.
func (c *chosenCatalog) groups() [][]string {
	group := map[*recipes.Entry]*recipes.Entry{}
	var root func(*recipes.Entry) *recipes.Entry
	root = func(e *recipes.Entry) *recipes.Entry {
		if group[e] == nil {
			return e
		}
		return root(group[e])
	}
	for _, edge := range c.Edges() {
		from, to := root(edge.From), root(edge.To)
		if from != to && slices.Contains(c.chosen, edge.From) && slices.Contains(c.chosen, edge.To) {
			group[to] = from
		}
	}
	var groups [][]string
	at := map[*recipes.Entry]int{}
	for _, e := range c.chosen {
		i, ok := at[root(e)]
		if !ok {
			i = len(groups)
			at[root(e)], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], e.Name)
	}
	return groups
}

// spread shares groups among at most n shards, the next always to the one with
// the fewest names.
func spread(groups [][]string, n int) [][]string {
	shards := make([][]string, min(n, len(groups)))
	for _, g := range groups {
		least := 0
		for i := range shards {
			if len(shards[i]) < len(shards[least]) {
				least = i
			}
		}
		shards[least] = append(shards[least], g...)
	}
	return shards
}

func catalogGraphCommand() *cli.Command {
	return &cli.Command{
		Name: "graph", Usage: "print which images of a catalog stand on which", ArgsUsage: "[NAME...]",
		Flags: append(catalogFlags(), &cli.StringFlag{Name: "format", Value: "text", Usage: "text, dot (Graphviz) or json"}),

		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			write, ok := map[string]func(io.Writer, *chosenCatalog) error{"text": graphText, "dot": graphDot, "json": graphJSON}[c.String("format")]
			if !ok {
				return usagef("--format: want text, dot or json, got %q", c.String("format"))
			}
			catalog, err := openCatalog(c)
			if err != nil {
				return err
			}
			if err := catalog.loaded(); err != nil {
				return err
			}
			return write(c.App.Writer, catalog)
		},
	}
}

// foundation is what an image of a catalog stands on.
type foundation struct {
	Name string `json:"name"`
	// On is a base of kiln's own, or a registry image; Recipe is that of the
	// catalog that makes it.
	On     string `json:"on"`
	Field  string `json:"field"`
	Recipe string `json:"recipe,omitempty"`
}

func (c *chosenCatalog) foundations() []foundation {
	list := []foundation{}
	edges := c.Edges()
	for _, e := range c.chosen {
		for _, r := range e.All() {
			for _, f := range []foundation{{r.Title(), r.Image.Base, "image.base", ""}, {r.Title(), r.Build.Image, "build.image", ""}} {
				i := slices.IndexFunc(edges, func(edge recipes.Edge) bool { return edge.Recipe == r && edge.Field == f.Field })
				if i >= 0 {
					f.Recipe = edges[i].From.Name
				}
				if f.On != "" {
					list = append(list, f)
				}
			}
		}
	}
	return list
}

func graphText(w io.Writer, c *chosenCatalog) error {
	for _, f := range c.foundations() {
		verb := "stands on"
		if f.Field == "build.image" {
			verb = "is built in"
		}
		on := shortBase(f.On)
		if f.Recipe != "" {
			on = f.Recipe + " (" + on + ")"
		}
		if _, err := fmt.Fprintf(w, "%s %s %s\n", f.Name, verb, on); err != nil {
			return err
		}
	}
	return nil
}

func graphDot(w io.Writer, c *chosenCatalog) error {
	var b strings.Builder
	b.WriteString("digraph catalog {\n")
	for _, f := range c.foundations() {
		on := shortBase(f.On)
		if f.Recipe != "" {
			on = f.Recipe
		}
		style := ""
		if f.Field == "build.image" {
			style = " [style=dashed]"
		}
		fmt.Fprintf(&b, "  %q -> %q%s;\n", f.Name, on, style)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func graphJSON(w io.Writer, c *chosenCatalog) error { return printJSON(w, c.foundations()) }
