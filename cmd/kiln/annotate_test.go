package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

func TestAnnotate(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	workspace := filepath.Dir(here)
	two := &recipes.Errors{Problems: []recipes.Problem{
		{File: "r.yaml", Pos: at, Msg: "100% wrong:\r\nreally", Hint: "y"},
		{File: "a,b:c%.yaml", Msg: "x"},
	}}
	stale := &recipes.StaleError{File: "r.yaml", Changes: []recipes.Change{{Name: "suite", Locked: "trixie", Asked: "sid", Pos: at}}}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"each mistake of a recipe, escaped", fmt.Errorf("x: %w", two),
			"::error file=kiln/r.yaml,line=7,col=5,title=kiln::100%25 wrong:%0D%0Areally%0Ahint: y\n" +
				"::error file=kiln/a%2Cb%3Ac%25.yaml,title=kiln::x\n"},
		{"a step with what it printed", fmt.Errorf("x: %w", step),
			"::error file=kiln/r.yaml,line=7,col=5,title=kiln::step \"make\" ended with exit code 2%0Acc x.c%0Ax.c:1: error\n"},
		{"a test", &builder.TestError{File: "r.yaml", Pos: at, Name: "t", Want: "exit code 0", Got: "1", Stderr: "c\n"},
			"::error file=kiln/r.yaml,line=7,col=5,title=kiln::test \"t\" failed: want exit code 0, got 1%0A%0Ac\n"},
		{"a place", &builder.PlaceError{File: "/elsewhere/r.yaml", Pos: at, Err: errors.New("x")},
			"::error file=/elsewhere/r.yaml,line=7,col=5,title=kiln::x\n"},
		{"a stale lock", stale,
			"::error file=kiln/r.yaml,line=7,col=5,title=kiln::suite: the lock has trixie, the recipe asks for sid%0Ahint: `kiln lock r.yaml` locks it afresh\n"},
		{"an error without a place", withHint{errors.New("x"), "y"}, "::error title=kiln::x%0Ahint: y\n"},
	} {
		var b strings.Builder
		annotate(&b, workspace, c.err)
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
