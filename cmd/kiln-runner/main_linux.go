// Command kiln-runner is what kiln puts into the container of a test: it is
// never part of an image. See package runner.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/kiln-build/kiln/builder/runner"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "become":
		err = runner.Become(os.Args[2])
	case len(os.Args) == 1:
		err = runner.Run(context.Background(), runner.JobFile, runner.OutcomeDir)
	default:
		err = fmt.Errorf("kiln starts this program by itself")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kiln-runner:", err)
		os.Exit(125)
	}
}
