package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/seccomp"
	"github.com/kiln-build/kiln/recipes"
)

const (
	defaultTestTimeout = 2 * time.Minute
	// testsAtOnce run side by side, each in a container of its own: most of
	// what one takes is waiting.
	testsAtOnce = 4
)

// TestError says which test of a recipe failed, and how.
type TestError struct {
	// File and Pos are where the test stands: in a recipe, or in a structure
	// test that one names.
	File string
	Pos  recipes.Pos
	Name string
	// Want and Got say in words what was expected and what came.
	Want, Got      string
	Stdout, Stderr string
}

// Error is the message, after the test's place.
func (e *TestError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: e.Message()}.String()
}

// Message says which test failed, and how, without its place.
func (e *TestError) Message() string {
	return fmt.Sprintf("test %q failed: want %s, got %s", e.Name, e.Want, e.Got)
}

// TestErrors are several tests that failed, in the order of the recipe.
type TestErrors struct {
	List []*TestError
}

// Error has a line for each.
func (e *TestErrors) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap returns the errors of the list.
func (e *TestErrors) Unwrap() []error {
	list := make([]error, len(e.List))
	for i, t := range e.List {
		list[i] = t
	}
	return list
}

// Test runs the recipe's tests on the finished image, under the recipe's
// runtime contract: as the image's user, with a read-only root, memory file
// systems for what is writable, only the declared capabilities and none to
// gain, the declared limits, and no network but the loopback interface.
//
// All tests are run, and the results of all returned in the order of the
// recipe, also where some failed: then the error is a [*TestError], or a
// [*TestErrors]. Where one cannot be run at all there are no results.
func (e *Engine) Test(ctx context.Context, r *recipes.Recipe, img v1.Image, platform string) ([]recipes.TestResult, error) {
	tests, err := flat(r)
	if err != nil || len(tests) == 0 {
		return nil, err
	}
	t, err := e.tester(ctx, r, img, platform)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	defer t.close()
	results, failures := make([]recipes.TestResult, len(tests)), make([]*TestError, len(tests))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(testsAtOnce)
	for i, test := range tests {
		g.Go(func() (err error) {
			start := time.Now() //nolint:forbidigo // how long a test took is for people, and in no statement
			if results[i], failures[i], err = t.test(gctx, test); err != nil {
				return &PlaceError{File: test.File, Pos: test.Pos, Err: fmt.Errorf("running test %q: %w", test.Title(), err)}
			}
			results[i].Duration = time.Since(start)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	failed := slices.DeleteFunc(failures, func(f *TestError) bool { return f == nil })
	switch len(failed) {
	case 0:
		return results, nil
	case 1:
		return results, failed[0]
	}
	return results, &TestErrors{List: failed}
}

// flat are the tests of the recipe and those of its structure tests, each with
// the file that it stands in.
func flat(r *recipes.Recipe) ([]recipes.Test, error) {
	var all []recipes.Test
	for _, t := range r.Tests {
		t.File = r.File
		if t.StructureTest == "" {
			all = append(all, t)
			continue
		}
		if t.StructureText == nil {
			return nil, placed(r, t.Pos, fmt.Errorf("%s was not read", t.StructureTest))
		}
		all = append(all, t.Structure...)
	}
	return all, nil
}

// finding is what a test expected in vain.
type finding struct {
	want, got string
	// about is the place within the test, where there is a nearer one.
	about recipes.Pos
}

// errNotRun is why a test could not be run here.
type errNotRun struct{ reason string }

func (e errNotRun) Error() string { return e.reason }

// test runs one test. It failed where the second result is not nil; the error
// is that it could not be run.
func (t *tester) test(ctx context.Context, test recipes.Test) (recipes.TestResult, *TestError, error) {
	result := recipes.TestResult{Name: test.Title(), Kind: test.Kind(), Status: recipes.StatusPassed, Run: test.Run, Pos: test.Pos}
	if test.File != t.recipe.File {
		result.File = test.File
	}
	o := &outcome{}
	var f *finding
	var err error
	switch test.Kind() {
	case recipes.KindFiles:
		f, err = t.files(test.Files)
	case recipes.KindMetadata:
		f = t.metadata(test.Metadata)
	default:
		if o, err = t.run(ctx, test); err == nil {
			f = o.judge(test)
			result.Exit, result.Emulated = o.Exit, t.arch != t.native
			result.Syscalls, err = seccomp.Names(t.native, o.Syscalls)
		}
	}
	var skipped errNotRun
	if errors.As(err, &skipped) {
		result.Status, result.Reason = recipes.StatusNotRun, skipped.reason
		return result, nil, nil
	}
	if err != nil || f == nil {
		return result, nil, err
	}
	result.Status, result.Reason = recipes.StatusFailed, fmt.Sprintf("want %s, got %s", f.want, f.got)
	failure := &TestError{
		File: test.File, Pos: test.Pos, Name: test.Title(), Want: f.want, Got: f.got,
		Stdout: string(o.Stdout), Stderr: string(o.Stderr),
	}
	if f.about != (recipes.Pos{}) {
		failure.Pos = f.about
	}
	return result, failure, nil
}
