package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/engine"
)

func engineCommand() *cli.Command {
	return &cli.Command{
		Name: "engine", Usage: "look after the embedded BuildKit", OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "status", Usage: "say whether it runs, where, and how large its cache is", OnUsageError: usageError,
				Flags:  []cli.Flag{outputFlag("text or json")},
				Action: withEngine(engineStatus),
			},
			{
				Name: "stop", Usage: "stop it", OnUsageError: usageError,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "even while builds go on"}},
				Action: withEngine(func(c *cli.Context, cfg engine.Config) error {
					return engine.Stop(c.Context, cfg, c.Bool("force"))
				}),
			},
			{
				Name: "prune", Usage: "free its cache", OnUsageError: usageError,
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "all", Usage: "also what is in use by the last builds"},
					&cli.Int64Flag{Name: "keep", Usage: "keep this many `BYTES`"},
				},
				Action: withEngine(func(c *cli.Context, cfg engine.Config) error {
					freed, err := engine.Prune(c.Context, cfg, c.Bool("all"), c.Int64("keep"))
					if err != nil {
						return err
					}
					_, err = fmt.Fprintf(c.App.Writer, "freed %s\n", megabytes(freed))
					return err
				}),
			},
			{
				Name: "serve", Hidden: true, SkipFlagParsing: true,
				Action: func(c *cli.Context) error { return engine.Serve(c.Context, c.Args().Slice()) },
			},
		},
	}
}

func withEngine(f func(*cli.Context, engine.Config) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return usagef("kiln engine %s: want no arguments", c.Command.Name)
		}
		env, err := newEnvironment(c)
		if err != nil {
			return err
		}
		cfg, err := env.engineConfig()
		if err != nil {
			return err
		}
		return f(c, cfg)
	}
}

func engineStatus(c *cli.Context, cfg engine.Config) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	s, err := engine.GetStatus(c.Context, cfg)
	if err != nil {
		return err
	}
	w := c.App.Writer
	if c.String("output") == "json" {
		return json.NewEncoder(w).Encode(s)
	}
	if !s.Running {
		_, err := fmt.Fprintf(w, "not running; state in %s\n", s.StateDir)
		return err
	}
	_, err = fmt.Fprintf(w, "running since %s\n  buildkit  %s\n  process   %d\n  socket    %s\n  cache     %s\n  clients   %d\n",
		s.Since.Format(time.DateTime), s.Version, s.PID, s.Socket, megabytes(s.CacheBytes), s.Clients)
	return err
}
