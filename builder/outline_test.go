package builder

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOutline goes through the outline of each recipe in testdata/plan: each
// operation has a name and builds on earlier ones, steps have their lines, and
// only fetches and git reach the network.
func TestOutline(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	networks := 0
	for _, file := range files {
		r := load(t, file)
		ops, err := Outline(t.Context(), r, lockOf(r), r.Platforms[0])
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		lines := map[int]bool{}
		for i, op := range ops {
			if op.ID != i+1 || op.Name == "" || op.Kind == "" {
				t.Errorf("%s: operation %d is %+v", file, i+1, op)
			}
			for _, in := range op.Inputs {
				if in >= op.ID || in < 1 {
					t.Errorf("%s: operation %d builds on %d", file, op.ID, in)
				}
			}
			lines[op.Line] = true
			if op.Network {
				networks++
				if op.Line == 0 {
					t.Errorf("%s: no line of the recipe asks for %+v", file, op)
				}
			}
		}
		for _, s := range r.Build.Steps {
			if !lines[s.Pos.Line] {
				t.Errorf("%s: no operation is for the step in line %d", file, s.Pos.Line)
			}
		}
		again, err := Outline(t.Context(), r, lockOf(r), r.Platforms[0])
		if diff := cmp.Diff(ops, again); diff != "" || err != nil {
			t.Errorf("%s: another outline for the same recipe: %v\n%s", file, err, diff)
		}
	}
	if networks == 0 {
		t.Error("no recipe of testdata/plan reaches the network")
	}
}
