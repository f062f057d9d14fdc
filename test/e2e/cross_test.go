//go:build e2e

package e2e

import (
	"path/filepath"
	"runtime"
	"testing"
)

// TestCross has the build systems of C, C++ and Rust compile for a machine that
// is not this one, with libraries of its own.
func TestCross(t *testing.T) {
	takesLong(t, "installing compilers for another machine")
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine that is not this one is that for arm64")
	}
	b := newBed(t)
	for _, name := range []string{"cmake", "meson", "cargo"} {
		t.Run(name, func(t *testing.T) {
			recipe := b.copyRecipe(t, filepath.Join("testdata/steps", name), "\nsources:", "\nplatforms: [linux/arm64]\nsources:")
			out := b.build(t, recipe, "cross/"+name)
			if len(out.Platforms) != 1 || out.Platforms[0].Platform != "linux/arm64" || len(out.Platforms[0].Tests) == 0 {
				t.Fatalf("got platforms %+v, want linux/arm64 with its tests", out.Platforms)
			}
			for _, test := range out.Platforms[0].Tests {
				if test.Status != "passed" {
					t.Errorf("test %q: got %q (%s), want it passed", test.Name, test.Status, test.Reason)
				}
			}
		})
	}
}
