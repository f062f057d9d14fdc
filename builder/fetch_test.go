package builder

import (
	"errors"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// TestFetchOfEngine: what an engine cannot do is told apart from what it is
// told to do.
func TestFetchOfEngine(t *testing.T) {
	const process = `process "/bin/sh -c x" did not complete successfully: `
	f := &Fetch{plan: &Plan{recipe: &recipes.Recipe{File: "recipe.yaml"}}, step: recipes.Step{Pos: recipes.Pos{Line: 3, Col: 5}}, spec: fetch{title: "fetch crates"}}
	for _, c := range []struct{ text, want, hint string }{
		{process + "operation not permitted", `recipe.yaml:3:5: step "fetch crates": the engine may not make the network by which fetches are recorded, for it does not run as root: ` + process + "operation not permitted", "kiln vendor"},
		{process + "proxy network is not supported", `recipe.yaml:3:5: step "fetch crates": the engine cannot do it: `, "v0.33"},
		{process + "exit code: 137", process + "exit code: 137", ""},
	} {
		err := f.solveError(errors.New(c.text))
		if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %q, want %q", c.text, err, c.want)
		}
		var refusal *FetchError
		if (errors.As(err, &refusal) && !strings.Contains(refusal.Hint(), c.hint)) || (refusal == nil) != (c.hint == "") {
			t.Errorf("%s: got %#v, want the hint %q", c.text, err, c.hint)
		}
	}
}
