package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/explain"
)

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the JSON Schema of recipes, of VEX statements beside them, or of kiln.yaml, for editors", ArgsUsage: "[vex|config]",
		Description: "Editors with the YAML language server complete and check a recipe that begins with\n" +
			"   # yaml-language-server: $schema=recipe.schema.json\n\n" +
			"Example: kiln schema > recipe.schema.json",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			text := recipes.Schema()
			switch args := c.Args().Slice(); {
			case len(args) == 1 && args[0] == "vex":
				text = recipes.VEXSchema()
			case len(args) == 1 && args[0] == "config":
				text = recipes.ConfigSchema()
			case len(args) > 0:
				return usagef("kiln schema: want no argument, vex or config")
			}
			_, err := c.App.Writer.Write(text)
			return err
		},
	}
}

func explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "say what a step, source, field or rule of a recipe is",
		ArgsUsage: "[step NAME | source NAME | field PATH | rule NAME]",
		Description: "Without arguments it explains the recipe as a whole; without a name it lists the names.\n\n" +
			"Example: kiln explain step go",
		OnUsageError: usageError, BashComplete: explainWords,
		Action: func(c *cli.Context) error {
			t, err := findTopic(c.Args().Slice())
			if err != nil {
				return err
			}
			return printTopic(c.App.Writer, t)
		},
	}
}

func findTopic(args []string) (explain.Topic, error) {
	switch len(args) {
	case 0:
		return explain.Recipe(), nil
	case 1:
		return asUsage(explain.List(args[0]))
	case 2:
		return asUsage(explain.Find(args[0], args[1]))
	}
	return explain.Topic{}, usagef("kiln explain: want a kind and a name, got %d arguments", len(args))
}

// asUsage: a name that there is nothing to say about is wrong usage.
func asUsage(t explain.Topic, err error) (explain.Topic, error) {
	if err != nil {
		return t, usage{err}
	}
	return t, nil
}

// printTopic writes a topic in at most 80 columns.
func printTopic(w io.Writer, t explain.Topic) error {
	var b strings.Builder
	b.WriteString(t.Title + "\n")
	wrap(&b, t.Text, "  ")
	if t.Type != "" {
		wrap(&b, facts(t.Type, t.Default, false), "  ")
	}
	for _, f := range t.Fields {
		fmt.Fprintf(&b, "\n  %s\n", f.Name)
		if f.Type != "" {
			wrap(&b, facts(f.Type, f.Default, f.Required), "      ")
		}
		wrap(&b, f.Text, "      ")
	}
	if t.Example != "" {
		b.WriteString("\nexample\n")
		for line := range strings.Lines(t.Example) {
			b.WriteString("  " + line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// facts is what can be said about a field without a sentence.
func facts(typ, otherwise string, required bool) string {
	if required {
		typ += "; required"
	}
	if otherwise != "" {
		typ += "; default " + otherwise
	}
	return "(" + typ + ")"
}

func wrap(b *strings.Builder, text, indent string) {
	const width = 80
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line) > len(indent) && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	if len(line) > len(indent) {
		b.WriteString(line + "\n")
	}
}
