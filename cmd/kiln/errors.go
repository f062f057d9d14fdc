package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// usage is an error of how kiln was called.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

func usageError(c *cli.Context, err error, _ bool) error {
	return withHint{usage{err}, fmt.Sprintf("`%s --help` lists the flags", c.Command.HelpName)}
}

func unknownCommand(c *cli.Context) error {
	commands := c.Command.Subcommands
	if len(commands) == 0 {
		commands = c.App.Commands
	}
	var names []string
	for _, cmd := range commands {
		if !cmd.Hidden && cmd.Name != "help" {
			names = append(names, cmd.Name)
		}
	}
	h := "there are " + strings.Join(names, ", ")
	if near := recipes.Nearest(c.Args().First(), names); near != "" {
		h = fmt.Sprintf("did you mean %q?", near)
	}
	return withHint{usagef("there is no command %q", c.Args().First()), h}
}

// withHint is an error with a way out.
type withHint struct {
	error
	hint string
}

func (w withHint) Unwrap() error { return w.error }

// Hint is the way out.
func (w withHint) Hint() string { return w.hint }

func exitCode(err error) int {
	var u usage
	var refused *image.RefusedError
	var unverified *sign.Error
	var differs *differsError
	var judged *policyError
	var vulnerable vulnerableError
	var violation violationError
	switch {
	case errors.As(err, &u):
		return exitUsage
	case errors.As(err, &refused), errors.As(err, &vulnerable), errors.As(err, &violation):
		return exitPolicy
	case errors.As(err, &unverified), errors.As(err, &differs), errors.As(err, &judged):
		return exitVerification
	}
	return exitFailed
}

// report prints an error, what a failed step printed, and the way out.
func report(w io.Writer, err error) {
	fmt.Fprintf(w, "%s\n", message(err))
	var platform platformError
	if errors.As(err, &platform) {
		fmt.Fprintf(w, "  platform: %s\n", platform.platform)
	}
	var step *builder.StepError
	if errors.As(err, &step) {
		for _, line := range step.Log {
			fmt.Fprintf(w, "  | %s\n", line)
		}
		if step.Look != nil {
			fmt.Fprintf(w, "  %s\n", step.Look)
		}
	}
	var tests *builder.TestErrors
	var test *builder.TestError
	switch {
	case errors.As(err, &tests):
		for i, t := range tests.List {
			if i > 0 {
				fmt.Fprintf(w, "%s\n", t)
			}
			testOutput(w, t)
		}
	case errors.As(err, &test):
		testOutput(w, test)
	}
	if h := hint(err); h != "" {
		fmt.Fprintf(w, "  hint: %s\n", h)
	}
}

// hint is the way out that the outermost error names, of those that know one.
func hint(err error) string {
	var hinted interface {
		error
		Hint() string
	}
	for errors.As(err, &hinted) {
		if h := hinted.Hint(); h != "" {
			return h
		}
		err = errors.Unwrap(hinted)
	}
	return ""
}

// message is the error's text. What is about a place in a file begins with
// that place, so that editors and people find it.
func message(err error) string {
	var step *builder.StepError
	var test *builder.TestError
	var place *builder.PlaceError
	var refused *image.RefusedError
	switch {
	case errors.As(err, &step):
		return step.Error()
	case errors.As(err, &test):
		return test.Error()
	case errors.As(err, &place):
		return place.Error()
	case errors.As(err, &refused):
		return refused.Error()
	}
	return err.Error()
}

func testOutput(w io.Writer, t *builder.TestError) {
	output(w, "stdout", t.Stdout)
	output(w, "stderr", t.Stderr)
}

func output(w io.Writer, name, text string) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line != "" {
			fmt.Fprintf(w, "  %s | %s\n", name, line)
		}
	}
}
