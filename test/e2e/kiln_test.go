//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/test/registry"
)

// bed is what a test pushes to and signs with.
type bed struct {
	*registry.Registry
	// key and pub are cosign's files, without a password.
	key, pub string
	// env is added to the environment of what the test runs, homes to
	// kiln's: the folders of its engine and caches.
	env, homes []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	r := registry.Start(t, registry.Options{TLS: true, Auth: true})
	b := &bed{Registry: r, homes: shared}
	b.env = []string{"DOCKER_CONFIG=" + r.DockerConfig, "COSIGN_PASSWORD="}
	prefix := filepath.Join(t.TempDir(), "cosign")
	b.key, b.pub = prefix+".key", prefix+".pub"
	b.must(t, "cosign", "generate-key-pair", "--output-key-prefix", prefix)
	return b
}

// result is how a program ended and what it said.
type result struct {
	code           int
	stdout, stderr string
}

// last is the last line of stdout.
func (r result) last() string {
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	return lines[len(lines)-1]
}

func (b *bed) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := program(name)
	if _, err := os.Stat(path); err != nil {
		path = name
	}
	c := exec.Command(path, args...) //nolint:gosec // not bound to the test: clean-ups run programs too
	c.Env = append(os.Environ(), b.env...)
	if name == "kiln" {
		c.Env = append(c.Env, b.homes...)
	}
	return c
}

// run runs a program to its end, whatever that is.
func (b *bed) run(t *testing.T, name string, args ...string) result {
	t.Helper()
	c := b.command(t, name, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs a program that must succeed.
func (b *bed) must(t *testing.T, name string, args ...string) result {
	t.Helper()
	r := b.run(t, name, args...)
	if r.code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", name, strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// mustFail runs kiln, which must end with code and say each of the words.
func (b *bed) mustFail(t *testing.T, code int, words []string, args ...string) result {
	t.Helper()
	r := b.run(t, "kiln", args...)
	if r.code != code {
		t.Errorf("kiln %s: got exit code %d, want %d\n%s", strings.Join(args, " "), r.code, code, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("kiln %s: stderr does not say %q:\n%s", strings.Join(args, " "), w, r.stderr)
		}
	}
	if r.stdout != "" {
		t.Errorf("kiln %s: failed with a result on stdout: %q", strings.Join(args, " "), r.stdout)
	}
	return r
}

// built is what `kiln build --output json` prints.
type built struct {
	Digest     string          `json:"digest"`
	References []string        `json:"references"`
	Unchanged  bool            `json:"unchanged"`
	Platforms  []builtPlatform `json:"platforms"`
	// stderr is what it said while it built.
	stderr string
}

// builtPlatform is the image of one platform.
type builtPlatform struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Size     int64  `json:"size"`
	Packages int    `json:"packages"`
	Files    int    `json:"files"`
	Tests    []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Reason string `json:"reason"`
	} `json:"tests"`
	Linked []struct {
		Path    string `json:"path"`
		Package string `json:"package"`
		Version string `json:"version"`
	} `json:"linked"`
}

// flags are those of every build in these tests.
func (b *bed) flags(recipe, repo string) []string {
	return []string{"build", recipe, "--push", b.Addr + "/" + repo, "--key", b.key,
		"--registry-ca", b.CAFile, "--progress", "plain"}
}

// build builds and pushes a recipe, which must work.
func (b *bed) build(t *testing.T, recipe, repo string) built {
	t.Helper()
	r := b.must(t, "kiln", append(b.flags(recipe, repo), "--output", "json")...)
	var out built
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("output of kiln build: %v\n%s", err, r.stdout)
	}
	out.stderr = r.stderr
	return out
}

// copyRecipe copies a recipe's folder, replaces text in the recipe, locks it
// afresh and returns the recipe's path.
func (b *bed) copyRecipe(t *testing.T, from string, oldnew ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	recipe := filepath.Join(dir, "recipe.yaml")
	replace(t, recipe, oldnew...)
	if err := os.Remove(lockOf(recipe)); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	b.must(t, "kiln", "lock", recipe)
	return recipe
}

func lockOf(recipe string) string { return strings.TrimSuffix(recipe, ".yaml") + ".lock" }

// replace replaces the first of each old text in a file, which must be there.
func replace(t *testing.T, path string, oldnew ...string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for pair := range slices.Chunk(oldnew, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("%s does not hold %q", path, pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// catalog is the folder of a recipe in the catalog, probe that of the
// smallest recipe there is.
func catalog(name string) string { return filepath.Join(root(), "recipes/catalog", name) }

const probe = "testdata/probe"
