package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func doctorCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "push", Usage: "look at the registry of `REPOSITORY[:TAG]` too, and whether it takes a push"},
		&cli.StringFlag{Name: "key", EnvVars: []string{"KILN_KEY"}, Usage: "look at the cosign key `FILE`"},
		outputFlag("text or json"),
	}
	flags = append(flags, registryFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "doctor", Usage: "check what builds need on this machine, each with its fix", ArgsUsage: "[RECIPE]",
		Description: "Looks at engine, archive mirrors, module and npm proxies, HTTP proxies, authorities,\n" +
			"disk, clock, key and registry; with a recipe also at its lock, and whether the archive\n" +
			"still has what is locked. Exits with 1 where a check fails.\n\n" +
			"Example: kiln doctor recipe.yaml --push registry.corp/platform/hello",
		Flags: flags, OnUsageError: usageError,
		Action: runDoctor,
	}
}

// Outcomes of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// checkup is the outcome of one check.
type checkup struct {
	Check   string `json:"check"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// doctor gathers the outcomes of checks, each of which has a time limit.
type doctor struct {
	env    *environment
	cli    *cli.Context
	recipe *recipes.Recipe // nil without one
	found  []checkup
}

const checkLimit = 30 * time.Second

func runDoctor(c *cli.Context) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	d := &doctor{cli: c}
	var err error
	if d.env, err = newEnvironment(c); err != nil {
		return err
	}
	if c.Args().Present() {
		if d.recipe, err = loadArgument(c); err != nil {
			return err
		}
	}
	for _, check := range []func(context.Context){
		d.disk, d.authorities, d.proxies, d.engine, d.archives, d.clock, d.goProxy, d.npm, d.key, d.registry, d.lock,
	} {
		ctx, cancel := context.WithTimeout(c.Context, checkLimit)
		check(ctx)
		cancel()
		if err := c.Err(); err != nil {
			return err
		}
	}
	return d.report(c.App.Writer, c.String("output"))
}

func (d *doctor) ok(check, format string, args ...any) {
	d.found = append(d.found, checkup{check, checkOK, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, fix, format string, args ...any) {
	d.found = append(d.found, checkup{check, checkWarn, fmt.Sprintf(format, args...), fix})
}

// fail takes the fix from the error, where it has a hint of its own.
func (d *doctor) fail(check, fix string, err error) {
	if h := hint(err); h != "" {
		fix = h
	}
	d.found = append(d.found, checkup{check, checkFail, message(err), fix})
}

func (d *doctor) report(w io.Writer, output string) error {
	failed := 0
	for _, f := range d.found {
		if f.Status == checkFail {
			failed++
		}
		if output == "json" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-4s  %-9s  %s\n", f.Status, f.Check, f.Message); err != nil {
			return err
		}
		if f.Fix != "" {
			fmt.Fprintf(w, "                 fix: %s\n", f.Fix)
		}
	}
	if output == "json" {
		if err := json.NewEncoder(w).Encode(d.found); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errors.New("checking this machine: " + plural(failed, "check") + " failed")
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
