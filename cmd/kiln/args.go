package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves a command's flags before its other arguments, since the
// cli package stops at the first of those, and people write a recipe first.
// What follows "--" stays as it is.
func flagsFirst(commands []*cli.Command, args []string) []string {
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return len(args) > 0 && c.HasName(args[0]) })
	if n := len(args); n > 1 && args[n-1] == completing && args[n-2] == "--" {
		args[n-2] = "-" // the beginning of a flag, and not the end of flags
	}
	if i < 0 || commands[i].SkipFlagParsing || args[len(args)-1] == completing {
		return args
	}
	cmd := commands[i]
	if len(cmd.Subcommands) > 0 {
		return append(args[:1:1], flagsFirst(cmd.Subcommands, args[1:])...)
	}
	var flags, rest []string
	for j := 1; j < len(args); j++ {
		a := args[j]
		switch {
		case a == "--":
			rest = append(rest, args[j:]...)
			j = len(args)
		case len(a) > 1 && a[0] == '-':
			flags = append(flags, a)
			if takesValue(cmd, a) && j+1 < len(args) {
				j++
				flags = append(flags, args[j])
			}
		default:
			rest = append(rest, a)
		}
	}
	return slices.Concat(args[:1], flags, rest)
}

// takesValue reports whether the argument after a is the value of the flag a.
func takesValue(cmd *cli.Command, a string) bool {
	if strings.Contains(a, "=") {
		return false
	}
	name := strings.TrimLeft(a, "-")
	for _, f := range cmd.Flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// printJSON writes a document for people and programs to read.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// checkFiles reports, before anything is built, which of these flags names a
// file that cannot be written then.
func checkFiles(c *cli.Context, flags ...string) error {
	for _, flag := range flags {
		file := c.String(flag)
		if file == "" {
			continue
		}
		if fi, err := os.Stat(filepath.Dir(file)); err != nil || !fi.IsDir() {
			return usagef("--%s: there is no folder %s", flag, filepath.Dir(file))
		}
		if fi, err := os.Stat(file); err == nil && !fi.Mode().IsRegular() {
			return usagef("--%s: %s is there, and is no file", flag, file)
		}
	}
	return nil
}

// needs refuses flags that say nothing without another, which is not there.
func needs(c *cli.Context, other string, flags []string) error {
	for _, flag := range flags {
		if c.IsSet(flag) {
			return usagef("--%s: says nothing without --%s", flag, other)
		}
	}
	return nil
}

func progressFlag() cli.Flag {
	return &cli.StringFlag{Name: "progress", Value: "auto", Usage: "auto, plain, tty, rawjson or quiet"}
}

func outputFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "output", Value: "text", Usage: usage}
}

func checkOutput(c *cli.Context) error {
	if out := c.String("output"); out != "text" && out != "json" {
		return usagef("--output: want text or json, got %q", out)
	}
	return nil
}
