package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/recipes"
)

func debugCommand() *cli.Command {
	return &cli.Command{
		Name: "debug", Usage: "open a failed step that kiln build --keep-failed saved", ArgsUsage: "FILE [-- COMMAND [ARGUMENT...]]",
		Description: "Opens a terminal in the step: its files as they were when it failed, its environment\n" +
			"and its working folder. With a command, runs that in its place and exits with its code.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "rerun", Usage: "run the command that failed again"},
		}, engineFlags()...),
		OnUsageError: usageError,
		Action:       runDebug,
	}
}

// exitStatus ends kiln with the exit code of what it ran, without a message.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func runDebug(c *cli.Context) error {
	args, err := debugArguments(c)
	if err != nil {
		return err
	}
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kiln-debug-*")
	if err != nil {
		return fmt.Errorf("opening a failed step: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	step, err := failed.Open(c.Args().First(), dir)
	if err != nil {
		return err
	}
	if c.Bool("rerun") {
		args = step.Args
	}
	engines := &engines{env: env}
	defer engines.close()
	conn, err := engines.running(c.Context, step.Platform)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.ErrWriter, recipes.Problem{
		File: step.Recipe, Pos: recipes.Pos{Line: step.Line, Col: step.Col},
		Msg: fmt.Sprintf("step %q ended with exit code %d, in %s", step.Name, step.Exit, step.Cwd),
	})
	return inStep(c, conn, step, args)
}

// inStep runs the command in the step, or a shell where there is none.
func inStep(c *cli.Context, conn *engine.Engine, step *failed.Saved, args []string) error {
	if args == nil {
		return withTerminal(func(t failed.Terminal) error { return step.Shell(c.Context, conn.Client, t) })
	}
	code := 0
	run := func(t failed.Terminal) (err error) {
		code, err = step.Run(c.Context, conn.Client, args, t)
		return err
	}
	var err error
	if isTerminal() {
		err = withTerminal(run)
	} else {
		err = run(failed.Terminal{Stdin: os.Stdin, Stdout: c.App.Writer, Stderr: c.App.ErrWriter})
	}
	if err == nil && code != 0 {
		return exitStatus(code)
	}
	return err
}

// debugArguments is the command after the file, or nil for a terminal.
func debugArguments(c *cli.Context) ([]string, error) {
	args := c.Args().Slice()
	switch {
	case len(args) == 0:
		return nil, usagef("kiln debug: want a file that kiln build --keep-failed wrote")
	case len(args) > 1 && args[1] != "--":
		return nil, withHint{usagef("kiln debug: want one file, got %d arguments", len(args)), "a command goes behind --: kiln debug FILE -- ls -l"}
	case len(args) == 2:
		return nil, usagef("kiln debug: want a command behind --")
	case len(args) > 2 && c.Bool("rerun"):
		return nil, usagef("kiln debug: --rerun and a command exclude each other")
	case len(args) > 2:
		return args[2:], nil
	case !c.Bool("rerun") && !isTerminal():
		return nil, withHint{usagef("kiln debug: there is no terminal to open"), "give a command: kiln debug FILE -- ls -l, or --rerun"}
	}
	return nil, nil
}
