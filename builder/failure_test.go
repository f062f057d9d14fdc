package builder

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/recipes"
)

const failing = "    - run: [/step, write, /src/kept]\n" +
	"    - run: {command: [/step, fail, \"3\"], dir: sub, env: {A: b}}"

// TestFailure looks at a step that fails, in the engine, saves it, and opens
// it again.
func TestFailure(t *testing.T) {
	b := newBed(t)
	file := filepath.Join(t.TempDir(), "failed")
	var seen *StepError
	var said bytes.Buffer
	b.OnFailure = func(ctx context.Context, step *StepError, left *failed.Left) error {
		seen = step
		w, err := os.Create(file)
		check(t, err)
		read := int64(0)
		check(t, left.Save(ctx, w, func(n int64) { read = n }))
		check(t, w.Close())
		if read == 0 {
			t.Error("nothing was said of what was read")
		}
		return left.Shell(ctx, failed.Terminal{Stdin: strings.NewReader("hello\n"), Stdout: &said, Stderr: io.Discard})
	}
	b.Secrets = map[string][]byte{"GOPROXY": []byte("https://user:s3cret@127.0.0.1:1")}
	r := recipe(t, localSource, failing, "")
	_, err := b.compile(t, r, lockOf(r))
	var step *StepError
	if !errors.As(err, &step) || step.Look != nil || step.Exit != 3 {
		t.Fatalf("error is %v, want a *StepError", err)
	}
	if diff := cmp.Diff([]any{step.Pos, step.Name, step.Log}, []any{seen.Pos, seen.Name, seen.Log}); diff != "" {
		t.Error(diff)
	}
	if got, want := said.String(), "in /src/sub with A=b: hello\n"; got != want {
		t.Errorf("the shell says %q, want %q", got, want)
	}
	testSaved(t, b, file)
}

func testSaved(t *testing.T, b *bed, file string) {
	raw, err := os.ReadFile(file)
	check(t, err)
	if bytes.Contains(raw, []byte("s3cret")) {
		t.Error("the file holds a secret of fetches")
	}
	saved, err := failed.Open(file, t.TempDir())
	check(t, err)
	if saved.Recipe != "dir/recipe.yaml" || saved.Line != 12 || saved.Exit != 3 || saved.Cwd != "/src/sub" || saved.Network ||
		!strings.Contains(strings.Join(saved.Log, "\n"), "last line") {
		t.Errorf("the step is %+v", saved.Step)
	}
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{[]string{"/step", "copy", "/src/kept", "/dev/stdout"}, 0, ""},
		{[]string{"/step", "copy", "/src/none", "/dev/stdout"}, 1, ""},
		{[]string{"/bin/sh"}, 0, "in /src/sub with A=b: typed\n"},
		{saved.Args, 3, "first line\n"},
	} {
		var out bytes.Buffer
		code, err := saved.Run(t.Context(), b.Client, c.args, failed.Terminal{Stdin: strings.NewReader("typed\n"), Stdout: &out, Stderr: io.Discard})
		if err != nil || code != c.code || out.String() != c.out {
			t.Errorf("%v ends with %d, %v and says %q, want %d and %q", c.args, code, err, out.String(), c.code, c.out)
		}
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, errors.New("enough"))
	defer cancel()
	_, err = saved.Run(ctx, b.Client, []string{"/step", "sleep"}, failed.Terminal{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	if err == nil || err.Error() != "enough" {
		t.Errorf("error is %v, want the context's cause", err)
	}
}

// TestFailureWithoutShell: what cannot be looked at does not hide the error.
func TestFailureWithoutShell(t *testing.T) {
	b := newBed(t)
	b.OnFailure = func(ctx context.Context, _ *StepError, left *failed.Left) error {
		return left.Shell(ctx, failed.Terminal{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	}
	r := recipe(t, localSource, "    - run: [/step, remove, /bin/sh]\n    - run: [/step, fail, \"3\"]", "")
	_, err := b.compile(t, r, lockOf(r))
	var step *StepError
	if !errors.As(err, &step) || !errors.Is(step.Look, failed.ErrNoShell) || step.Pos != (recipes.Pos{Line: 12, Col: 7}) {
		t.Errorf("error is %v, want a *StepError about line 12 and %v", err, failed.ErrNoShell)
	}
}

// TestSuccessIsNotLookedAt: with somebody who would look at a failure, a build
// that works is the same.
func TestSuccessIsNotLookedAt(t *testing.T) {
	b := newBed(t)
	b.OnFailure = func(context.Context, *StepError, *failed.Left) error {
		t.Error("it was called")
		return nil
	}
	testArtifacts(t, b)
}
