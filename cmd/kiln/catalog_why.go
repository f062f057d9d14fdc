package main

import "github.com/urfave/cli/v2"

func catalogWhyCommand() *cli.Command { return &cli.Command{Name: "why", Hidden: true} }
