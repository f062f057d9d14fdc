package builder

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// localSource is no part of what these tests are about.
const localSource = "  - local: ."

// TestCompile has a real engine carry out plans.
func TestCompile(t *testing.T) {
	b := newBed(t)
	t.Run("a step has no network", func(t *testing.T) {
		r := recipe(t, localSource, "    - run: [/step, dial]", "")
		if _, err := b.compile(t, r, lockOf(r)); err != nil {
			t.Error(err)
		}
	})
	t.Run("what is in DESTDIR comes out", func(t *testing.T) { testArtifacts(t, b) })
	t.Run("a failing step says where and why", func(t *testing.T) { testStepError(t, b) })
	t.Run("a step that ends with the context", func(t *testing.T) { testCancel(t, b) })
	t.Run("a program that is not there", func(t *testing.T) {
		r := recipe(t, localSource, "    - run: [/nonsuch]", "")
		_, err := b.compile(t, r, lockOf(r))
		var step *StepError
		if !errors.As(err, &step) || step.Pos != (recipes.Pos{Line: 11, Col: 7}) {
			t.Errorf("error is %v, want a *StepError about line 11", err)
		}
	})
}

func testArtifacts(t *testing.T, b *bed) {
	r := recipe(t, localSource, "    - run: [/step, install]", "")
	entries, err := b.compile(t, r, lockOf(r))
	check(t, err)
	type file struct {
		Path, Link string
		Type       byte
		Mode       int64
		UID        int
		Text       string
	}
	var got []file
	for _, e := range entries {
		f := file{e.Path, e.Linkname, e.Type, e.Mode, e.UID, ""}
		if e.Type == tar.TypeReg {
			r, err := e.Open()
			check(t, err)
			text, err := io.ReadAll(r)
			check(t, err)
			f.Text = string(text)
		}
		if e.Owner != recipes.OwnerService {
			t.Errorf("%s has owner %q", e.Path, e.Owner)
		}
		got = append(got, f)
	}
	want := []file{
		{"/data", "", tar.TypeDir, 0o700, 0, ""},
		{"/usr", "", tar.TypeDir, 0o755, 0, ""},
		{"/usr/bin", "", tar.TypeDir, 0o755, 0, ""},
		{"/usr/bin/alias", "service", tar.TypeSymlink, 0o777, 0, ""},
		{"/usr/bin/service", "", tar.TypeReg, 0o4750, 1000, "service"},
		{"/usr/bin/service-2", "usr/bin/service", tar.TypeLink, 0o4750, 1000, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

func testStepError(t *testing.T, b *bed) {
	r := recipe(t, localSource, "    - run: [/step, id]\n    - run: [/step, fail, \"3\"]", "")
	_, err := b.compile(t, r, lockOf(r))
	var step *StepError
	if !errors.As(err, &step) {
		t.Fatalf("error is %v, want a *StepError", err)
	}
	if step.Pos != (recipes.Pos{Line: 12, Col: 7}) || step.Exit != 3 || step.Name != "/step fail 3" {
		t.Errorf("step %q at %v ended with %d", step.Name, step.Pos, step.Exit)
	}
	if log := strings.Join(step.Log, "\n"); !strings.Contains(log, "first line") || !strings.Contains(log, "last line") {
		t.Errorf("the step's output is %q", log)
	}
	want := `dir/recipe.yaml:12:7: step "/step fail 3" ended with exit code 3`
	if got := err.Error(); got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
}

func testCancel(t *testing.T, b *bed) {
	r := recipe(t, localSource, "    - run: [/step, sleep]", "")
	p, err := NewPlan(r, lockOf(r), "linux/amd64", Inputs{Root: b.root})
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := b.Compile(ctx, p, b.spool); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the context's", err)
	}
	r = recipe(t, localSource, "    - run: [/step, install]", "")
	if _, err := b.compile(t, r, lockOf(r)); err != nil {
		t.Errorf("the build after one that was cancelled: %v", err)
	}
}
