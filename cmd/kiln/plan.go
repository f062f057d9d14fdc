package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "print the graph that builds a recipe", ArgsUsage: "RECIPE",
		Description: "Needs recipe and lock alone: it downloads nothing and starts no engine. What reaches\n" +
			"the network is marked.\n\n" +
			"Example: kiln plan recipe.yaml --format dot | dot -Tsvg > plan.svg",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "text, json or dot"},
			&cli.StringFlag{Name: "platform", Usage: "the `OS/ARCH` to plan for (default: the recipe's first)"},
		},
		OnUsageError: usageError,
		Action:       runPlan,
	}
}

func runPlan(c *cli.Context) error {
	formats := map[string]func(io.Writer, *recipes.Recipe, []builder.Operation) error{
		"text": planText, "json": planJSON, "dot": planDot,
	}
	write, ok := formats[c.String("format")]
	if !ok {
		return usagef("--format: want text, json or dot, got %q", c.String("format"))
	}
	r, err := loadArgument(c)
	if err != nil {
		return err
	}
	l, err := fittingLock(r)
	if err != nil {
		return err
	}
	platform := c.String("platform")
	if platform == "" {
		platform = r.Platforms[0]
	}
	ops, err := builder.Outline(c.Context, r, l, platform)
	if err != nil {
		return err
	}
	return write(c.App.Writer, r, ops)
}

// planText has a line for each operation, after those that it builds on.
func planText(w io.Writer, r *recipes.Recipe, ops []builder.Operation) error {
	for _, op := range ops {
		line := fmt.Sprintf("#%-3d %-6s %s", op.ID, op.Kind, op.Name)
		if op.Line > 0 {
			line += fmt.Sprintf("  (%s:%d)", r.File, op.Line)
		}
		if op.Network {
			line += "  NETWORK"
		}
		var from []string
		for _, in := range op.Inputs {
			from = append(from, fmt.Sprintf("#%d", in))
		}
		if len(from) > 0 {
			line += "  from " + strings.Join(from, " ")
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func planJSON(w io.Writer, _ *recipes.Recipe, ops []builder.Operation) error {
	return printJSON(w, ops)
}

// planDot writes the graph for Graphviz.
func planDot(w io.Writer, r *recipes.Recipe, ops []builder.Operation) error {
	var b strings.Builder
	b.WriteString("digraph " + quoteDot(r.Name) + " {\n  rankdir=LR\n  node [shape=box]\n")
	for _, op := range ops {
		label := op.Name
		if op.Line > 0 {
			label += fmt.Sprintf("\nline %d", op.Line)
		}
		style := ""
		if op.Network {
			style = ", color=red, style=bold"
		}
		fmt.Fprintf(&b, "  %d [label=%s%s]\n", op.ID, quoteDot(label), style)
		for _, in := range op.Inputs {
			fmt.Fprintf(&b, "  %d -> %d\n", in, op.ID)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// quoteDot is text as a quoted string of the DOT language.
func quoteDot(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
