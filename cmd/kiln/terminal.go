package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/kiln-build/kiln/builder/failed"
)

// isTerminal reports whether a person is there to type and to read.
func isTerminal() bool {
	return stdinTerminal() && term.IsTerminal(int(os.Stdout.Fd()))
}

func stdinTerminal() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

func stderrTerminal() bool { return term.IsTerminal(int(os.Stderr.Fd())) }

// withTerminal gives f this process's terminal, which hands on every key until
// f returns: Ctrl-C interrupts what runs there, not kiln.
func withTerminal(f func(failed.Terminal) error) error {
	fd := int(os.Stdin.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return fmt.Errorf("setting up the terminal: %w", err)
	}
	defer term.Restore(fd, before) //nolint:errcheck // it was set a moment ago
	sizes, stop := terminalSizes(int(os.Stdout.Fd()))
	defer stop()
	t := failed.Terminal{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, TTY: true, Sizes: sizes}
	if name := os.Getenv("TERM"); name != "" {
		t.Env = []string{"TERM=" + name}
	}
	return f(t)
}

// terminalSizes yields the size now and after each change, until stop.
func terminalSizes(fd int) (sizes <-chan failed.Size, stop func()) {
	changed := make(chan os.Signal, 1)
	out := make(chan failed.Size)
	done := make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH)
	changed <- syscall.SIGWINCH
	go func() {
		for {
			select {
			case <-done:
				return
			case <-changed:
			}
			cols, rows, err := term.GetSize(fd)
			if err != nil || rows <= 0 || cols <= 0 {
				continue
			}
			select {
			case <-done:
				return
			case out <- failed.Size{Rows: uint32(rows), Cols: uint32(cols)}: //nolint:gosec // characters of a screen
			}
		}
	}()
	return out, func() {
		signal.Stop(changed)
		close(done)
	}
}
