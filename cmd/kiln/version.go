package main

import (
	"fmt"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// These are set by the linker; see the Makefile.
var (
	// release is kiln's version; empty is the one in the build information.
	release string
	// goproxy is GOPROXY of the toolchain that built kiln, for machines
	// without Go.
	goproxy string
)

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
