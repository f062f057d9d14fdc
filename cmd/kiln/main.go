// Command kiln turns a recipe into a hardened container image: compiled from
// pinned source, laid on a minimal base as a non-root user, with an SBOM and
// signatures, in a private registry.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/sign"
)

// Exit codes of kiln.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitPolicy       = 3
	exitVerification = 4
	exitInterrupted  = 130
)

func main() { os.Exit(Main()) }

// Main runs kiln with the process's arguments and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends kiln at once
	}()
	app := newApp(os.Stdout, os.Stderr)
	err := app.RunContext(ctx, append(os.Args[:1:1], flagsFirst(app.Commands, os.Args[1:])...))
	if err == nil {
		return 0
	}
	code := exitCode(ctx, err)
	if code == exitInterrupted {
		err = errors.New("interrupted; nothing was published, and the next run goes on from the cache")
	}
	report(os.Stderr, err)
	return code
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:    "kiln",
		Usage:   "build hardened container images from source",
		Version: version(),
		Description: "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a rule or policy,\n" +
			"4 verification failed, 130 interrupted.",
		Writer:         stdout,
		ErrWriter:      stderr,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
		HideHelpCommand: true,
		Commands: []*cli.Command{
			buildCommand(), lockCommand(), verifyCommand(), engineCommand(), versionCommand(),
		},
	}
}

// usage is an error of how kiln was called.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

func usageError(c *cli.Context, err error, _ bool) error {
	name := strings.TrimSpace("kiln " + c.Command.Name)
	return withHint{usage{err}, fmt.Sprintf("`%s --help` lists the flags", name)}
}

func unknownCommand(c *cli.Context) error {
	var names []string
	for _, cmd := range c.App.Commands {
		if !cmd.Hidden {
			names = append(names, cmd.Name)
		}
	}
	return withHint{usagef("there is no command %q", c.Args().First()), "there are " + strings.Join(names, ", ")}
}

// withHint is an error with a way out.
type withHint struct {
	error
	hint string
}

func (w withHint) Unwrap() error { return w.error }

// Hint is the way out.
func (w withHint) Hint() string { return w.hint }

func exitCode(ctx context.Context, err error) int {
	var u usage
	var refused *image.RefusedError
	var unverified *sign.Error
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &u):
		return exitUsage
	case errors.As(err, &refused):
		return exitPolicy
	case errors.As(err, &unverified):
		return exitVerification
	}
	return exitFailed
}

// report prints an error, what a failed step printed, and the way out.
func report(w io.Writer, err error) {
	fmt.Fprintf(w, "%s\n", message(err))
	var step *builder.StepError
	if errors.As(err, &step) {
		for _, line := range step.Log {
			fmt.Fprintf(w, "  | %s\n", line)
		}
	}
	var test *builder.TestError
	if errors.As(err, &test) {
		output(w, "stdout", test.Stdout)
		output(w, "stderr", test.Stderr)
	}
	var hinted interface{ Hint() string }
	switch {
	case errors.As(err, &hinted) && hinted.Hint() != "":
		fmt.Fprintf(w, "  hint: %s\n", hinted.Hint())
	case engine.Hint(err) != "":
		fmt.Fprintf(w, "  hint: %s\n", engine.Hint(err))
	}
}

// message is the error's text. What is about a place in a file begins with
// that place, so that editors and people find it.
func message(err error) string {
	var step *builder.StepError
	var test *builder.TestError
	switch {
	case errors.As(err, &step):
		return step.Error()
	case errors.As(err, &test):
		return test.Error()
	}
	return err.Error()
}

func output(w io.Writer, name, text string) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line != "" {
			fmt.Fprintf(w, "  %s | %s\n", name, line)
		}
	}
}
