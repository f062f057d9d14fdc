//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/test/docs"
	"github.com/kiln-build/kiln/test/registry"
)

// TestDocumentation runs what needs an engine in each page of the documentation:
// its commands one after the other, in one shell and one folder.
func TestDocumentation(t *testing.T) {
	pages, err := docs.Read(docs.Root)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, p := range pages {
		script := engineSession(p)
		if script == "" {
			continue
		}
		ran++
		t.Run(strings.ReplaceAll(strings.TrimSuffix(p.File, ".md"), "/", "_"), func(t *testing.T) {
			if !p.Engine && p.File != "README.md" {
				takesLong(t, "building what a page of the reference builds")
			}
			runPage(t, p, script)
		})
	}
	if ran == 0 {
		t.Error("nothing is for an engine, want recipes/FIRST-DAY.md at least")
	}
}

// engineSession is the page as a script for a shell. Each block that shows
// what is said writes it to a file as well.
func engineSession(p *docs.Page) string {
	var s strings.Builder
	for i, b := range p.Blocks {
		if !b.Engine || b.NotRun != "" || !b.Runs() && b.File == "" {
			continue
		}
		s.WriteString("echo '# " + p.File + ":" + strconv.Itoa(b.Line) + "' >&2\n")
		if b.Before != "" {
			s.WriteString(b.Before + "\n")
		}
		switch {
		case b.File != "":
			s.WriteString("mkdir -p \"$TOP/" + filepath.Dir(b.File) + "\"\ncat >\"$TOP/" + b.File + "\" <<'END-OF-FILE'\n" + b.Text + "END-OF-FILE\n")
		case b.Output() != "":
			s.WriteString("{ " + b.Commands() + "} >\"$TOP/.out" + strconv.Itoa(i) + "\" 2>&1 || { cat \"$TOP/.out" + strconv.Itoa(i) + "\" >&2; exit 1; }\n")
		case b.Exit != "":
			s.WriteString("code=0; ( set -e; " + b.Commands() + ") || code=$?\n[ $code = " + b.Exit + " ]\n")
		default:
			s.WriteString(b.Commands())
		}
	}
	return s.String()
}

func runPage(t *testing.T, p *docs.Page, script string) {
	r := registry.Start(t, registry.Options{})
	dir := t.TempDir()
	c := exec.Command("bash", "-e", "-o", "pipefail", "-c", docs.On(r.Addr, script)) //nolint:gosec // of the repository
	c.Dir = dir
	c.Env = append(append(os.Environ(), shared...), "TOP="+dir, "CATALOG="+filepath.Join(root(), "recipes", "catalog"),
		"PATH="+filepath.Join(root(), "bin")+":"+os.Getenv("PATH"), "COSIGN_PASSWORD=", "HOME="+dir)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", p.File, err, said)
	}
	for i, b := range p.Blocks {
		if !b.Engine || b.NotRun != "" || b.Output() == "" {
			continue
		}
		said, err := os.ReadFile(filepath.Join(dir, ".out"+strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		if line := docs.Missing(b.Output(), string(said), r.Addr); line != "" {
			t.Errorf("%s:%d: the page shows a line that was not said: %s\n%s", p.File, b.Line, line, said)
		}
	}
}
