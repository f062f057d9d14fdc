package main

import (
	"fmt"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// goproxy is GOPROXY of the Go that kiln was built with, for machines without
// Go; the linker sets it (see the Makefile).
var goproxy string

// npmregistry is the registry of the npm where kiln was built, for machines
// without npm. The Makefile sets it.
var npmregistry string

// release is kiln's version where the go command does not know it, since it
// does not build from the repository. The linker sets it.
var release string

// version is kiln's, as the go command wrote it into the program.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

// buildkitVersion is the version of the BuildKit client that kiln is linked
// with.
func buildkitVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/moby/buildkit" {
				return d.Version
			}
		}
	}
	return "unknown"
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the versions of kiln and of BuildKit",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			_, err := fmt.Fprintf(c.App.Writer, "kiln %s\nbuildkit %s\n", version(), buildkitVersion())
			return err
		},
	}
}
