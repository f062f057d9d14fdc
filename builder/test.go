package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

const defaultTestTimeout = 2 * time.Minute

// TestError says which test of a recipe failed, and how.
type TestError struct {
	File string
	Pos  recipes.Pos
	Name string
	// Want and Got say in words what was expected and what came.
	Want, Got      string
	Stdout, Stderr string
}

func (e *TestError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: fmt.Sprintf("test %q failed: want %s, got %s", e.Name, e.Want, e.Got)}.String()
}

// Test runs the recipe's tests on the finished image: as its user, with a
// read-only root, memory file systems for /tmp and the volumes, and no
// network. It ends at the first that fails, with a [*TestError].
func (e *Engine) Test(ctx context.Context, r *recipes.Recipe, img v1.Image, platform string) ([]recipes.TestResult, error) {
	if len(r.Tests) == 0 {
		return nil, nil
	}
	def, err := e.imageGraph(ctx, img, platform)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	t := tester{recipe: r, config: config.Config, timeout: e.TestTimeout}
	if t.timeout <= 0 {
		t.timeout = defaultTestTimeout
	}
	results, err := e.test(ctx, t, def)
	var failed *TestError
	var place *PlaceError
	switch {
	case err == nil || errors.As(err, &failed) || errors.As(err, &place):
		return results, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("testing: %w", err)
}

// imageGraph is a graph that is the image and nothing else.
func (e *Engine) imageGraph(ctx context.Context, img v1.Image, platform string) (*llb.Definition, error) {
	digest, err := layer.Store(e.Store, img)
	if err != nil {
		return nil, err
	}
	goos, arch, _ := strings.Cut(platform, "/")
	constraint := llb.Platform(ocispec(goos, arch))
	return input(digest, constraint, llb.WithCustomName("the image")).Marshal(ctx, constraint)
}

func (e *Engine) test(ctx context.Context, t tester, def *llb.Definition) ([]recipes.TestResult, error) {
	opt, err := e.options()
	if err != nil {
		return nil, err
	}
	var results []recipes.TestResult
	var outcome error // the engine's own errors come back as text, this as it is
	watch := e.Display.Watch("testing")
	_, err = e.Client.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
		if err != nil {
			return nil, err
		}
		if t.ref, err = res.SingleRef(); err != nil {
			return nil, err
		}
		t.client = c
		results, outcome = t.all(ctx)
		return gateway.NewResult(), outcome
	}, watch.Status)
	watch.Wait()
	if outcome != nil {
		err = outcome
	}
	return results, err
}

type tester struct {
	client  gateway.Client
	ref     gateway.Reference
	recipe  *recipes.Recipe
	config  v1.Config
	timeout time.Duration
}

func (t *tester) all(ctx context.Context) ([]recipes.TestResult, error) {
	var results []recipes.TestResult
	for _, test := range t.recipe.Tests {
		o, err := t.run(ctx, test)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, placed(t.recipe, test.Pos, fmt.Errorf("running test %q: %w", test.Title(), err))
		}
		if want, got, ok := o.check(test); !ok {
			return nil, &TestError{
				File: t.recipe.File, Pos: test.Pos, Name: test.Title(), Want: want, Got: got,
				Stdout: o.stdout.String(), Stderr: o.stderr.String(),
			}
		}
		results = append(results, recipes.TestResult{Name: test.Title(), Run: test.Run, Exit: o.exit, Passed: true})
	}
	return results, nil
}

// outcome is what a program did.
type outcome struct {
	exit           int
	late           time.Duration // where not 0, it still ran after this
	stdout, stderr limitedBuffer
}

func (t *tester) run(ctx context.Context, test recipes.Test) (*outcome, error) {
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	container, err := t.container(limited)
	if err != nil {
		return nil, err
	}
	defer container.Release(context.WithoutCancel(ctx)) //nolint:errcheck // the test's outcome says more
	var o outcome
	process, err := container.Start(limited, t.start(test, &o))
	if err == nil {
		err = process.Wait()
	}
	var exit *gatewaypb.ExitError
	switch {
	case err == nil:
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		o.late = t.timeout
	case errors.As(err, &exit):
		o.exit = int(exit.ExitCode) //nolint:gosec // a process's exit code is below 256
	default:
		return nil, err
	}
	return &o, nil
}

func (t *tester) container(ctx context.Context) (gateway.Container, error) {
	mounts := []gateway.Mount{{Dest: "/", Ref: t.ref, Readonly: true, MountType: pb.MountType_BIND}}
	for _, dir := range append([]string{"/tmp"}, t.recipe.Image.Volumes...) {
		mounts = append(mounts, gateway.Mount{Dest: dir, MountType: pb.MountType_TMPFS})
	}
	return t.client.NewContainer(ctx, gateway.NewContainerRequest{Mounts: mounts, NetMode: pb.NetMode_NONE})
}

func (t *tester) start(test recipes.Test, o *outcome) gateway.StartRequest {
	req := gateway.StartRequest{
		Args: test.Run, Env: slices.Clone(t.config.Env), User: t.config.User, Cwd: t.config.WorkingDir,
		Stdout: &o.stdout, Stderr: &o.stderr,
	}
	for _, kv := range sorted(test.Env) {
		req.Env = append(req.Env, kv[0]+"="+kv[1])
	}
	if req.Cwd == "" {
		req.Cwd = "/"
	}
	return req
}

func (o *outcome) check(t recipes.Test) (want, got string, ok bool) {
	if o.late > 0 {
		return "an end", fmt.Sprintf("none within %v", o.late), false
	}
	if o.exit != t.Exit {
		return fmt.Sprintf("exit code %d", t.Exit), fmt.Sprintf("%d", o.exit), false
	}
	if !recipes.Matches(t.Stdout, o.stdout.Bytes()) {
		return "stdout with " + strconv.Quote(t.Stdout), excerpt(o.stdout.Bytes()), false
	}
	if !recipes.Matches(t.Stderr, o.stderr.Bytes()) {
		return "stderr with " + strconv.Quote(t.Stderr), excerpt(o.stderr.Bytes()), false
	}
	return "", "", true
}

// excerpt is the beginning of what a program wrote, in one line; the rest is
// in the error's Stdout and Stderr.
func excerpt(b []byte) string {
	const most = 80
	if len(b) == 0 {
		return "nothing"
	}
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}

// limitedBuffer keeps the first MiB written to it.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, 1<<20-b.Len()))])
	return len(p), nil
}

func (b *limitedBuffer) Close() error { return nil }
