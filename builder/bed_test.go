package builder

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// TestMain makes the test binary the supervisor of the engine that its tests
// start: see engine.Serve.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "serve" {
		if err := engine.Serve(context.Background(), os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bed is a real engine, and an image with nothing in it but the program /step
// of testdata/step, which is /bin/sh for kiln's fetch script as well.
type bed struct {
	*Engine
	image v1.Image
	root  v1.Hash
	spool *spool.Spool
}

// newBed starts an engine that ends with the test.
func newBed(t *testing.T) *bed {
	t.Helper()
	if _, err := exec.LookPath("rootlesskit"); os.Geteuid() != 0 && err != nil {
		t.Skip("neither root nor rootlesskit: no engine can be started here")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	check(t, err)
	cfg := engine.Config{
		StateDir: filepath.Join(dir, "engine"), RuntimeDir: filepath.Join(dir, "run"), Self: self,
		Buildkitd: buildkitd(t, dir), Env: os.Environ(), //nolint:forbidigo // what cmd passes in
	}
	conn, err := engine.Connect(t.Context(), cfg)
	check(t, err)
	t.Cleanup(func() {
		conn.Close() //nolint:errcheck // it ends now
		if err := engine.Stop(context.Background(), cfg, true); err != nil {
			t.Error(err)
		}
	})
	store, err := blobs.Open(filepath.Join(dir, "cache"))
	check(t, err)
	display, err := progress.New(io.Discard, "quiet")
	check(t, err)
	sp, err := spool.New(dir)
	check(t, err)
	t.Cleanup(func() { sp.Close() }) //nolint:errcheck // nothing is lost
	b := &bed{Engine: &Engine{Client: conn.Client, Store: store, Display: display, Runner: runnerOf(t)}, image: stepImage(t, dir), spool: sp}
	b.root, err = layer.Store(store, b.image)
	check(t, err)
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// buildkitd is the one that make builds, or one built here.
func buildkitd(t testing.TB, dir string) string {
	t.Helper()
	path, err := filepath.Abs("../bin/buildkitd")
	check(t, err)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path = filepath.Join(dir, "buildkitd")
	goBuild(t, path, "github.com/moby/buildkit/cmd/buildkitd")
	return path
}

// runnerOf builds the program that runs tests, for this machine.
func runnerOf(t testing.TB) func(string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	goBuild(t, filepath.Join(dir, "kiln-runner-"+runtime.GOARCH), "../cmd/kiln-runner")
	return func(arch string) ([]byte, error) { return ReadRunner(filepath.Join(dir, "kiln"), arch) }
}

func goBuild(t testing.TB, output, pkg string) {
	t.Helper()
	goBuildFor(t, runtime.GOARCH, output, pkg)
}

func goBuildFor(t testing.TB, arch, output, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", output, pkg)           //nolint:gosec // constant packages
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch) //nolint:forbidigo // for the go command
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
}

func stepImage(t testing.TB, dir string) v1.Image { return stepImageFor(t, dir, "amd64") }

func stepImageFor(t testing.TB, dir, arch string) v1.Image {
	t.Helper()
	program := filepath.Join(dir, "step")
	goBuildFor(t, arch, program, "./testdata/step")
	data, err := os.ReadFile(program)
	check(t, err)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(t, w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}))
	check(t, w.WriteHeader(&tar.Header{Name: "own/", Typeflag: tar.TypeDir, Mode: 0o755, Uid: 65532, Gid: 65532}))
	check(t, w.WriteHeader(&tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}))
	check(t, w.WriteHeader(&tar.Header{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "/step", Mode: 0o777}))
	check(t, w.WriteHeader(&tar.Header{Name: "step", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(data))}))
	_, err = w.Write(data)
	check(t, err)
	for _, name := range []string{"bin/tar"} {
		check(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: "step", Mode: 0o755}))
	}
	check(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	check(t, err)
	img, err := mutate.AppendLayers(empty.Image, l)
	check(t, err)
	config, err := img.ConfigFile()
	check(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Config = v1.Config{User: "65532:65532", Env: []string{"HOME=/"}, WorkingDir: "/",
		Entrypoint: []string{"/step", "serve"}, Cmd: []string{"8080"},
		Volumes: map[string]struct{}{"/data": {}}, ExposedPorts: map[string]struct{}{"8080/tcp": {}}}
	img, err = mutate.ConfigFile(img, config)
	check(t, err)
	return img
}

// recipe is one whose build has the given sources and steps, in YAML.
func recipe(t testing.TB, sources, steps, tests string) *recipes.Recipe {
	t.Helper()
	text := `kiln: v1
name: tiny
version: "1"
summary: A test
license: MIT
sources:
` + sources + `
build:
  image: registry.example.org/step@sha256:` + digestOf("c") + `
  steps:
` + steps + `
image:
  base: static
  entrypoint: [/step]
  ports: [8080]
  volumes: [/data]
` + tests
	r, err := recipes.Parse("dir/recipe.yaml", []byte(text))
	check(t, err)
	return r
}

// compile plans and builds the recipe in the image with /step.
func (b *bed) compile(t testing.TB, r *recipes.Recipe, l *recipes.Lock) ([]layer.Entry, error) {
	t.Helper()
	p, err := NewPlan(r, l, "linux/amd64", Inputs{Root: b.root})
	check(t, err)
	return b.Compile(t.Context(), p, b.spool)
}
