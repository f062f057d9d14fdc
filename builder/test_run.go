package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/runner"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// tester runs tests on one image.
type tester struct {
	engine   *Engine
	recipe   *recipes.Recipe
	image    v1.Image
	config   v1.Config
	arch     string   // the image's
	native   string   // the engine's
	runs     []string // those that the engine can run, native first
	emulated bool     // whether kiln brings an emulator
	root     llb.State
	program  llb.State // the runner
	platform llb.ConstraintsOpt
	tree     *imageTree // once a test asks for it
	treeErr  error
	treeOnce sync.Once
}

func (e *Engine) tester(ctx context.Context, r *recipes.Recipe, img v1.Image, platform string) (*tester, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	t := &tester{engine: e, recipe: r, image: img, config: file.Config}
	digest, err := layer.Store(e.Store, img)
	if err != nil {
		return nil, err
	}
	if t.runs, err = e.architectures(ctx); err != nil {
		return nil, err
	}
	t.native = t.runs[0]
	goos, arch, _ := strings.Cut(platform, "/")
	t.arch = arch
	t.root = input(digest, llb.Platform(ocispec(goos, arch)), llb.WithCustomName("the image"))
	// The runner is of the engine's own architecture; where the image's is
	// another, an emulator executes its programs.
	t.platform = llb.Platform(ocispec(goos, t.native))
	return t, t.addPrograms(goos)
}

func (t *tester) close() {
	if t.tree != nil {
		t.tree.spool.Close() //nolint:errcheck // nothing is lost
	}
}

// architectures are those that the engine can run, its own first and then
// those that its kernel has emulators for.
func (e *Engine) architectures(ctx context.Context) ([]string, error) {
	workers, err := e.Client.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine for its platforms: %w", err)
	}
	if len(workers) == 0 || len(workers[0].Platforms) == 0 {
		return nil, errors.New("asking the engine for its platforms: it has none")
	}
	var list []string
	for _, p := range workers[0].Platforms {
		list = append(list, p.Architecture)
	}
	return list, nil
}

// run has the engine run a test, which it does each time: what an engine has
// cached says nothing of what the program does. Its output is the outcome.
func (t *tester) run(ctx context.Context, test recipes.Test) (*outcome, error) {
	job, err := t.job(test)
	if err != nil {
		return nil, err
	}
	graph, err := t.graph(test, job)
	if err != nil {
		return nil, err
	}
	def, err := graph.Marshal(ctx, t.platform)
	if err != nil {
		return nil, err
	}
	// The runner keeps the limits itself; this is for one that cannot.
	const lost = time.Minute
	limited, cancel := context.WithTimeout(ctx, job.Limit+lost)
	defer cancel()
	files, err := t.engine.small(limited, def)
	if err != nil {
		return nil, err
	}
	o := &outcome{job: job}
	if err := json.Unmarshal(files["/outcome/"+runner.OutcomeFile], &o.Outcome); err != nil {
		return nil, fmt.Errorf("reading the outcome: %w", err)
	}
	if o.Foreign && !slices.Contains(t.runs, t.arch) {
		return nil, errNotRun{fmt.Sprintf("the engine is linux/%s and there is no emulator for linux/%s (qemu-user-static)", t.native, t.arch)}
	}
	return o, nil
}

// small solves a graph and returns the text of its files, by path.
func (e *Engine) small(ctx context.Context, def *llb.Definition) (map[string][]byte, error) {
	opt, err := e.options()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	opt.Exports = []client.ExportEntry{{
		Type: client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) {
			return struct {
				io.Writer
				io.Closer
			}{&b, io.NopCloser(nil)}, nil
		},
	}}
	watch := e.Display.Watch("testing")
	_, err = e.Client.Solve(ctx, def, opt, watch.Status)
	watch.Wait()
	if err != nil {
		return nil, err
	}
	sp, err := spool.New("")
	if err != nil {
		return nil, err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	entries, err := layer.Read(&b, sp, recipes.OwnerService, maxArtifacts)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range entries {
		if f.Open == nil {
			continue
		}
		s, err := text(f)
		if err != nil {
			return nil, err
		}
		files[f.Path] = []byte(s)
	}
	return files, nil
}

// graph runs the runner on the image's file system. Its one output is the
// folder of the outcome, which is root's alone.
func (t *tester) graph(test recipes.Test, job *runner.Job) (llb.State, error) {
	data, err := json.Marshal(job)
	if err != nil {
		return llb.State{}, err
	}
	input := llb.Scratch().File(llb.Mkfile("/"+path.Base(runner.JobFile), 0o600, data), t.platform, llb.WithCustomName("describe the test"))
	opts := []llb.RunOption{
		llb.Args([]string{runner.ProgramPath}), llb.User("0:0"), llb.Dir("/"), llb.ReadonlyRootFS(),
		llb.Network(llb.NetModeNone), llb.IgnoreCache, t.platform, llb.WithCustomName("test: " + test.Title()),
		llb.AddEnv("GOMAXPROCS", "2"),
		llb.AddMount(path.Dir(runner.ProgramPath), t.program, llb.Readonly),
		llb.AddMount(path.Dir(runner.JobFile), input, llb.Readonly),
	}
	for _, dir := range job.Writable {
		opts = append(opts, llb.AddMount(dir, llb.Scratch(), llb.Tmpfs()))
	}
	opts = append(opts, t.limits()...)
	out := llb.Scratch().File(llb.Mkdir("/outcome", 0o700), t.platform, llb.WithCustomName("make a folder for the outcome"))
	return t.root.Run(opts...).AddMount(runner.OutcomeDir, out, llb.SourcePath("/outcome")), nil
}

// runnerMemory is what the runner itself needs beside the program, in bytes.
const runnerMemory = 24 << 20

// limits are those that the engine keeps. One without control groups cannot,
// and leaves them to the runner.
func (t *tester) limits() []llb.RunOption {
	var res llb.LinuxResources
	if m := t.recipe.Runtime.MemoryBytes(); m > 0 {
		if t.emulated {
			m += emulatorMemory
		}
		res.Memory, res.MemorySwap = m+runnerMemory, m+runnerMemory
	}
	if milli := t.recipe.Runtime.MilliCPU(); milli > 0 {
		const period = 100_000 // microseconds, the kernel's default
		res.CPUPeriod, res.CPUQuota = period, milli*period/1000
	}
	if res == (llb.LinuxResources{}) {
		return nil
	}
	return []llb.RunOption{llb.WithLinuxResources(res)}
}
