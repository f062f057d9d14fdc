package builder

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/recipes"
)

// The programs of an image that the engine cannot run are run by an emulator
// that kiln brings, under the same confinement. Without one the tests count as
// not run, and as nothing else.
func TestForeignImage(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the image is for arm64")
	}
	b := newBed(t)
	img := stepImageFor(t, t.TempDir(), "arm64")
	r := recipe(t, localSource, "    - run: [/step, id]", `tests:
  - run: [/step, id]
    stdout: uid 65532 gid 65532
  - run: [/step, write, /own/x]
    exit: 1
    stderr: read-only file system
  - http: {path: "/hello?a=b", expect: GET a=b}
  - files: {path: /step}
runtime: {memory: 64Mi, pids: 60}
`)
	platforms, err := (&engine.Engine{Client: b.Client}).Platforms(t.Context())
	check(t, err)
	if strings.Contains(strings.Join(platforms, " "), "arm64") {
		t.Log("this machine's kernel emulates arm64 by itself")
	} else {
		results, err := b.Test(t.Context(), r, img, "linux/arm64")
		check(t, err)
		for i, got := range results {
			if i == 3 { // looks at files alone
				checkStatus(t, got, recipes.StatusPassed, false)
				continue
			}
			checkStatus(t, got, recipes.StatusNotRun, false)
			if want := "the engine is linux/amd64 and there is no emulator for linux/arm64"; !strings.Contains(got.Reason, want) {
				t.Errorf("%s: reason is %q, want %q in it", got.Name, got.Reason, want)
			}
		}
	}
	b.Emulator = func(arch string) string { return engine.Emulator(os.Environ(), arch) } //nolint:forbidigo // what cmd passes in
	if b.Emulator("arm64") == "" {
		t.Skip("qemu-user-static is not installed: test/deps.sh does it")
	}
	results, err := b.Test(t.Context(), r, img, "linux/arm64")
	check(t, err)
	if len(results) != 4 {
		t.Fatalf("got %d results, want 4", len(results))
	}
	for i, got := range results {
		checkStatus(t, got, recipes.StatusPassed, i < 3)
	}
	// Emulated or not, a test that fails fails.
	r = recipe(t, localSource, "    - run: [/step, id]", "tests:\n  - run: [/step, fail, \"3\"]\n")
	_, err = b.Test(t.Context(), r, img, "linux/arm64")
	if want := `test "/step fail 3" failed: want exit code 0, got 3`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q", err, want)
	}
}

func checkStatus(t *testing.T, got recipes.TestResult, status string, emulated bool) {
	t.Helper()
	if got.Status != status || got.Emulated != emulated {
		t.Errorf("%s: got %q (%s), emulated %t, want %q, emulated %t", got.Name, got.Status, got.Reason, got.Emulated, status, emulated)
	}
}
