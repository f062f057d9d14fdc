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
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
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
	logrus.SetLevel(logrus.ErrorLevel) // libraries' warnings are not for people
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
	if ctx.Err() != nil { // whatever err says, this is why
		fmt.Fprintln(os.Stderr, "interrupted; the next run goes on from the cache")
		return exitInterrupted
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	report(os.Stderr, err)
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		annotate(os.Stderr, os.Getenv("GITHUB_WORKSPACE"), err)
	}
	return exitCode(err)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:    "kiln",
		Usage:   "build hardened container images from source",
		Version: version(),
		Description: "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a rule,\n" +
			"4 verification failed, or refused by a policy, 130 interrupted.",
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
		HideHelpCommand:      true,
		EnableBashCompletion: true,
		Commands: configured(completes([]*cli.Command{
			initCommand(), buildCommand(), catalogCommand(), planCommand(), lockCommand(), updateCommand(), relockCommand(), vendorCommand(), debugCommand(), signCommand(), attestCommand(), verifyCommand(),
			reproduceCommand(), policyCommand(),
			sbomCommand(), diffCommand(), scanCommand(), dbCommand(), auditCommand(),
			runtimeCommand(), lintCommand(), schemaCommand(), explainCommand(),
			doctorCommand(), engineCommand(), versionCommand(), completionCommand(), manCommand(),
		})),
	}
}
