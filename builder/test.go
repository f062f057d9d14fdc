package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// testTimeout bounds how long one test of a recipe may run.
const testTimeout = 2 * time.Minute

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
	return fmt.Sprintf("%s:%d:%d: test %q failed: want %s, got %s", e.File, e.Pos.Line, e.Pos.Col, e.Name, e.Want, e.Got)
}

// Test runs the recipe's tests on the finished image: as its user, with a
// read-only root, memory file systems for /tmp and the volumes, and no
// network. It ends at the first that fails, with a [*TestError].
func (e *Engine) Test(ctx context.Context, r *recipes.Recipe, img v1.Image, platform string) ([]recipes.TestResult, error) {
	if len(r.Tests) == 0 {
		return nil, nil
	}
	digest, err := layer.Store(e.Store, img)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	goos, arch, _ := strings.Cut(platform, "/")
	constraint := llb.Platform(ocispec(goos, arch))
	def, err := input(digest, constraint, llb.WithCustomName("the image")).Marshal(ctx, constraint)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	opt, err := e.options()
	if err != nil {
		return nil, err
	}
	var results []recipes.TestResult
	watch := e.Display.Watch("testing")
	_, err = e.Client.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
		if err != nil {
			return nil, err
		}
		ref, err := res.SingleRef()
		if err != nil {
			return nil, err
		}
		t := tester{client: c, ref: ref, recipe: r, config: config.Config}
		results, err = t.all(ctx)
		return gateway.NewResult(), err
	}, watch.Status)
	watch.Wait()
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var failed *TestError
	if err != nil && !errors.As(err, &failed) {
		return nil, fmt.Errorf("testing: %w", err)
	}
	return results, err
}

type tester struct {
	client gateway.Client
	ref    gateway.Reference
	recipe *recipes.Recipe
	config v1.Config
}

func (t *tester) all(ctx context.Context) ([]recipes.TestResult, error) {
	var results []recipes.TestResult
	for _, test := range t.recipe.Tests {
		o, err := t.run(ctx, test)
		if err != nil {
			return nil, fmt.Errorf("test %q: %w", test.Title(), err)
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
	stdout, stderr limitedBuffer
}

func (t *tester) run(ctx context.Context, test recipes.Test) (*outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	mounts := []gateway.Mount{{Dest: "/", Ref: t.ref, Readonly: true, MountType: pb.MountType_BIND}}
	for _, dir := range append([]string{"/tmp"}, t.recipe.Image.Volumes...) {
		mounts = append(mounts, gateway.Mount{Dest: dir, MountType: pb.MountType_TMPFS})
	}
	container, err := t.client.NewContainer(ctx, gateway.NewContainerRequest{Mounts: mounts, NetMode: pb.NetMode_NONE})
	if err != nil {
		return nil, err
	}
	defer container.Release(context.WithoutCancel(ctx)) //nolint:errcheck // the test's outcome says more
	var o outcome
	env := t.config.Env
	for _, kv := range sorted(test.Env) {
		env = append(env, kv[0]+"="+kv[1])
	}
	cwd := t.config.WorkingDir
	if cwd == "" {
		cwd = "/"
	}
	process, err := container.Start(ctx, gateway.StartRequest{
		Args: test.Run, Env: env, User: t.config.User, Cwd: cwd, Stdout: &o.stdout, Stderr: &o.stderr,
	})
	if err != nil {
		return nil, err
	}
	err = process.Wait()
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		o.exit = int(exit.ExitCode)
		return &o, nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("it did not end within %s", testTimeout)
	}
	return &o, err
}

func (o *outcome) check(t recipes.Test) (want, got string, ok bool) {
	if o.exit != t.Exit {
		return fmt.Sprintf("exit code %d", t.Exit), fmt.Sprintf("%d", o.exit), false
	}
	for _, s := range []struct {
		name, want string
		got        []byte
	}{{"stdout", t.Stdout, o.stdout.Bytes()}, {"stderr", t.Stderr, o.stderr.Bytes()}} {
		if !recipes.Matches(s.want, s.got) {
			return fmt.Sprintf("%s with %q", s.name, s.want), fmt.Sprintf("%q", s.got), false
		}
	}
	return "", "", true
}

// limitedBuffer keeps the first MiB written to it.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, 1<<20-b.Len()))])
	return len(p), nil
}

func (b *limitedBuffer) Close() error { return nil }
