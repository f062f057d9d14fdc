//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kiln-build/kiln/recipes"
)

// TestInit has kiln write a recipe for each of the projects that the package
// detect is tested with, lock it and build it. A test added to the recipe runs
// what the image starts: each says hello.
func TestInit(t *testing.T) {
	projects, err := filepath.Glob(filepath.Join(root(), "recipes", "detect", "testdata", "*.txtar"))
	if err != nil || len(projects) < 12 {
		t.Fatalf("got %d projects, %v, want twelve", len(projects), err)
	}
	b := newBed(t)
	repository := sync.OnceValue(func() string { return serve(t, b.mavenFiles(t)).URL })
	for _, file := range projects {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !slices.Contains(sample([]string{"go", "cmake"}, name), name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			unpack(t, file, dir)
			if strings.Contains(name, "_library") {
				b.env = append(b.env, "KILN_MAVEN="+repository())
			}
			b.must(t, "kiln", "init", dir)
			recipe := filepath.Join(dir, "recipe.yaml")
			b.mustFail(t, 1, []string{"is there already"}, "init", dir)
			addTest(t, recipe)
			b.must(t, "kiln", "lint", dir)
			b.must(t, "kiln", "lock", dir)
			if out := b.build(t, recipe, "init/"+strings.ReplaceAll(name, "_", "-")); out.Digest == "" {
				t.Error("no digest")
			}
		})
	}
}

// unpack writes the files of a txtar archive.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := txtar.Write(a, dir); err != nil {
		t.Fatal(err)
	}
}

// addTest has the recipe run what its image starts.
func addTest(t *testing.T, recipe string) {
	t.Helper()
	r, err := recipes.Load(recipe)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(recipe, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("tests:\n  - run: [" + strings.Join(r.Image.Entrypoint, ", ") + "]\n    stdout: hello\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
