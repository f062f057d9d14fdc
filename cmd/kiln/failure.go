package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/failed"
)

func failureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "shell", Usage: "when a step fails, open a terminal in it"},
		&cli.StringFlag{Name: "keep-failed", Usage: "when a step fails, save its files, environment and command in `FILE`, which kiln debug opens"},
	}
}

// failure is what to do with a step that fails.
type failure struct {
	shell bool
	file  string
	say   func(format string, args ...any)
	meter *meter

	once sync.Once // platforms may fail at the same time
}

// newFailure checks before anything is built that the flags can be followed.
func newFailure(c *cli.Context, b *build) (*failure, error) {
	f := &failure{shell: c.Bool("shell"), file: c.String("keep-failed"), say: b.say, meter: newMeter(os.Stderr, "saving", b.display.Terminal())}
	switch {
	case f.shell && !isTerminal():
		return nil, withHint{usagef("kiln build: --shell needs a terminal"), "--keep-failed FILE saves the step in its place, for `kiln debug FILE`"}
	case f.shell && len(b.platforms) > 1:
		return nil, withHint{usagef("kiln build: --shell is for one platform"), "choose one with --platform"}
	}
	return f, nil
}

// look is what an engine calls with a step that failed; nil where nothing is
// to be done with it.
func (f *failure) look() func(context.Context, *builder.StepError, *failed.Left) error {
	if !f.shell && f.file == "" {
		return nil
	}
	return func(ctx context.Context, step *builder.StepError, left *failed.Left) (err error) {
		f.once.Do(func() { err = f.of(ctx, step, left) })
		return err
	}
}

func (f *failure) of(ctx context.Context, step *builder.StepError, left *failed.Left) error {
	var err error
	if f.file != "" {
		err = f.save(ctx, left)
	}
	if !f.shell {
		return err
	}
	report(os.Stderr, step)
	f.say("a terminal in the step; the build ends when you leave it")
	return errors.Join(err, withTerminal(func(t failed.Terminal) error { return left.Shell(ctx, t) }))
}

// save writes the file so that it is there as a whole or not at all. Others on
// this machine cannot read it: it holds what the recipe's sources hold.
func (f *failure) save(ctx context.Context, left *failed.Left) error {
	w, err := os.CreateTemp(filepath.Dir(f.file), "."+filepath.Base(f.file)+"-*")
	if err != nil {
		return fmt.Errorf("saving the failed step: %w", err)
	}
	defer os.Remove(w.Name()) //nolint:errcheck // gone after the rename
	err = left.Save(ctx, w, func(n int64) { f.meter.report("", n, n) })
	f.meter.clear()
	size, serr := w.Seek(0, 2)
	if err := errors.Join(err, serr, w.Close()); err != nil {
		return err
	}
	if err := os.Rename(w.Name(), f.file); err != nil {
		return fmt.Errorf("saving the failed step: %w", err)
	}
	f.say("%s: the failed step with its sources and build environment, %s; `kiln debug %s` opens it", f.file, megabytes(size), f.file)
	return nil
}
