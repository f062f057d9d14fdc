package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

var (
	at      = recipes.Pos{Line: 7, Col: 5}
	step    = &builder.StepError{File: "r.yaml", Pos: at, Name: "make", Log: []string{"cc x.c", "x.c:1: error"}, Exit: 2, Err: errors.New("process")}
	refused = &image.RefusedError{File: "r.yaml", Findings: []image.Finding{{Rule: "shell", Path: "/bin/sh", Text: "it is a shell"}}}
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"any error", errors.New("x"), exitFailed},
		{"step", step, exitFailed},
		{"recipe", &recipes.Errors{}, exitFailed},
		{"usage", usagef("x"), exitUsage},
		{"usage with a hint", withHint{usagef("x"), "y"}, exitUsage},
		{"rule", fmt.Errorf("assembling: %w", refused), exitPolicy},
		{"verification", errors.Join(&sign.Error{Reason: sign.ErrNone}, &sign.Error{Reason: sign.ErrNone}), exitVerification},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exit code of %s is %d, want %d", c.name, got, c.want)
		}
	}
}

// TestReport: the place comes first, whatever wrapped the error, then what the
// program said, then at most one hint.
func TestReport(t *testing.T) {
	unavailable := &engine.UnavailableError{Tried: []engine.Attempt{{Choice: "docker", Err: errors.New("not there")}}}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"step", fmt.Errorf("assembling image: %w", step),
			"r.yaml:7:5: step \"make\" ended with exit code 2\n  | cc x.c\n  | x.c:1: error\n"},
		{"step of a platform", platformError{fmt.Errorf("assembling image: %w", step), "linux/arm64"},
			"r.yaml:7:5: step \"make\" ended with exit code 2\n  platform: linux/arm64\n  | cc x.c\n  | x.c:1: error\n"},
		{"test", &builder.TestError{File: "r.yaml", Pos: at, Name: "t", Want: "exit code 0", Got: "1", Stdout: "a\nb\n", Stderr: "c"},
			"r.yaml:7:5: test \"t\" failed: want exit code 0, got 1\n  stdout | a\n  stdout | b\n  stderr | c\n"},
		{"rule", fmt.Errorf("assembling image: %w", refused),
			"r.yaml: the image is refused:\n  shell: /bin/sh: it is a shell\n" +
				"  hint: leave it out, or accept it in the recipe: allow: [{rule: shell, path: /bin/sh, reason: …}]\n"},
		{"place", fmt.Errorf("x: %w", &builder.PlaceError{File: "r.yaml", Pos: at, Err: &archive.UnknownError{Kind: "source package", Name: "a", Near: []string{"b"}}}),
			"r.yaml:7:5: no source package \"a\"\n  hint: did you mean b?\n"},
		{"recipe", &recipes.Errors{Problems: []recipes.Problem{{File: "r.yaml", Pos: at, Msg: "x", Hint: "y"}}},
			"r.yaml:7:5: x\n  hint: y\n"},
		{"outer hint", withHint{&archive.MissingError{Package: "a 1", Path: "p", Tried: []string{"m"}}, "try later"},
			"downloading a 1: no mirror has p any more (asked m)\n  hint: try later\n"},
		{"engine", unavailable, "connecting to a build engine: none can be used\n  docker: not there\n"},
		{"plain", errors.New("x"), "x\n"},
	} {
		var b strings.Builder
		report(&b, c.err)
		if got := b.String(); got != c.want {
			t.Errorf("report of %s is\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// TestHint: errors bring their way out along, however they are wrapped.
func TestHint(t *testing.T) {
	unreachable := errors.Join(fmt.Errorf("x: %w", &archive.UnreachableError{Err: errors.New("refused")}))
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("x"), ""},
		{fmt.Errorf("x: %w", archive.ErrNoMirror), "debian-security=URL"},
		{fmt.Errorf("x: %w", unreachable), "--mirror URL"},
		{&recipes.StaleError{File: "r.yaml"}, "kiln lock r.yaml"},
	} {
		if got := hint(c.err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("the hint of %v is %q, want one with %q", c.err, got, c.want)
		}
	}
}
