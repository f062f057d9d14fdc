package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/kiln-build/kiln/builder/engine"
)

// TestMain makes the test binary its own supervisor: Config.Self is this
// program, which is run with the arguments "engine serve ...". With "connect"
// and a configuration it is a second kiln process.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "serve" {
		exit(engine.Serve(context.Background(), os.Args[3:]))
	}
	if len(os.Args) == 3 && os.Args[1] == "connect" {
		exit(connectOnce(os.Args[2]))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// connectOnce prints the supervisor's process id.
func connectOnce(arg string) error {
	var cfg engine.Config
	if err := json.Unmarshal([]byte(arg), &cfg); err != nil {
		return err
	}
	ctx := context.Background()
	e, err := engine.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer e.Close() //nolint:errcheck // the end of the process would do
	s, err := engine.GetStatus(ctx, cfg)
	fmt.Println(s.PID)
	return err
}

// newConfig is for an engine of the test's own, which is stopped at its end.
func newConfig(t testing.TB) engine.Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	daemon, err := filepath.Abs("../../bin/buildkitd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(daemon); err != nil {
		t.Fatalf("%v: build it first", err)
	}
	if _, err := exec.LookPath("rootlesskit"); os.Geteuid() != 0 && err != nil {
		t.Skip("neither root nor rootlesskit: no engine can be started here")
	}
	cfg := engine.Config{
		StateDir: t.TempDir(), RuntimeDir: t.TempDir(), Self: self, Buildkitd: daemon, Env: os.Environ(), //nolint:forbidigo // what cmd passes in
	}
	t.Cleanup(func() {
		if err := engine.Stop(context.Background(), cfg, true); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

func connect(t testing.TB, cfg engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() }) //nolint:errcheck // most tests have closed it
	return e
}

func disconnect(t testing.TB, e *engine.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func status(t testing.TB, cfg engine.Config) engine.Status {
	t.Helper()
	s, err := engine.GetStatus(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// solveFile solves a graph without a run step.
func solveFile(t testing.TB, e *engine.Engine, text string) {
	t.Helper()
	if err := solve(t.Context(), e, llb.Scratch().File(llb.Mkfile("/f", 0o644, []byte(text))), "", nil); err != nil {
		t.Fatal(err)
	}
}

// solve exports to the folder out, or nowhere where out is empty.
func solve(ctx context.Context, e *engine.Engine, s llb.State, out string, stores map[string]content.Store) error {
	def, err := s.Marshal(ctx)
	if err != nil {
		return err
	}
	opt := client.SolveOpt{OCIStores: stores}
	if out != "" {
		opt.Exports = []client.ExportEntry{{Type: client.ExporterLocal, OutputDir: out}}
	}
	_, err = e.Solve(ctx, def, opt, nil)
	return err
}

// rootfs is a root file system with nothing but the program /step.
type rootfs struct {
	stores map[string]content.Store
	state  llb.State
}

// run is the state after a run of /step with the arguments; what it prints is
// not kept.
func (r rootfs) run(args []string, opts ...llb.RunOption) llb.ExecState {
	opts = append([]llb.RunOption{llb.Args(append([]string{"/step"}, args...)), llb.Network(llb.NetModeNone)}, opts...)
	return r.state.Run(opts...)
}

func newRootfs(t testing.TB) rootfs {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "step")
	cmd := exec.Command("go", "build", "-o", program, "./testdata/step") //nolint:gosec // a constant program
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")                      //nolint:forbidigo // for the go command
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building step: %v\n%s", err, out)
	}
	store, err := local.NewStore(filepath.Join(dir, "layout"))
	if err != nil {
		t.Fatal(err)
	}
	d := writeImage(t, store, program)
	return rootfs{
		stores: map[string]content.Store{"steps": store},
		state:  llb.OCILayout("kiln.test/step@"+d.String(), llb.OCIStore("", "steps")),
	}
}

func writeImage(t testing.TB, store content.Store, program string) digest.Digest {
	t.Helper()
	layer := tarOf(t, program)
	sum := sha256.Sum256(layer)
	layerDesc := put(t, store, v1.MediaTypeImageLayer, layer)
	config := put(t, store, v1.MediaTypeImageConfig, marshal(t, v1.Image{
		Platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.Digest("sha256:" + hex.EncodeToString(sum[:]))}},
	}))
	return put(t, store, v1.MediaTypeImageManifest, marshal(t, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest,
		Config: config, Layers: []v1.Descriptor{layerDesc},
	})).Digest
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 15 s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
