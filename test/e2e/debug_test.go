//go:build e2e

package e2e

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDebug saves a failed step and opens it with another engine and another
// cache, without a terminal and with one.
func TestDebug(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe, "\nimage:\n", "\n    - run: {script: \"echo made here > kept; cat none\", env: {COLOR: blue}}\nimage:\n")
	file := filepath.Join(t.TempDir(), "failed")
	b.mustFail(t, 1, []string{"recipe.yaml:", "No such file", "kiln debug"}, append(b.flags(recipe, "probe"), "--keep-failed", file)...)
	other := b.fresh(t)
	if r := other.run(t, "kiln", "debug", file, "--", "sh", "-c", "cat kept; echo $COLOR; exit 7"); r.code != 7 || r.stdout != "made here\nblue\n" {
		t.Errorf("got exit code %d and %q\n%s", r.code, r.stdout, r.stderr)
	}
	if r := other.run(t, "kiln", "debug", file, "--rerun"); r.code != 1 || !strings.Contains(r.stderr, "No such file") {
		t.Errorf("the command again: got exit code %d\n%s", r.code, r.stderr)
	}
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("no script(1) to make a terminal with")
	}
	c := other.command(t, "script", "-qec", "stty rows 33 cols 99; exec "+program("kiln")+" debug "+file, "/dev/null")
	c.Env = append(c.Env, other.homes...)
	var out lockedBuffer
	c.Stdout, c.Stderr = &out, &out
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill() //nolint:errcheck // it has ended
	await(t, time.Minute, "the shell's prompt", func() bool { return strings.Contains(out.String(), "# ") })
	if _, err := io.WriteString(stdin, "stty size; tr a-z A-Z < kept; exit\n"); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "what the shell answers", func() bool { return strings.Contains(out.String(), "MADE HERE") })
	err = c.Wait()
	if err != nil || !strings.Contains(out.String(), "33 99") || !strings.Contains(out.String(), "MADE HERE") {
		t.Errorf("in a terminal: %v\n%s", err, out.String())
	}
}
