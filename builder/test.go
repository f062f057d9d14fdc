package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"

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

// Error is the message, after the test's place.
func (e *TestError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: e.Message()}.String()
}

// Message says which test failed, and how, without its place.
func (e *TestError) Message() string {
	return fmt.Sprintf("test %q failed: want %s, got %s", e.Name, e.Want, e.Got)
}

// Test runs the recipe's tests on the finished image: as its user, with a
// read-only root, memory file systems for the volumes, a /tmp of its own, and
// no network. It ends at the first that fails, with a [*TestError].
func (e *Engine) Test(ctx context.Context, r *recipes.Recipe, img v1.Image, platform string) ([]recipes.TestResult, error) {
	if len(r.Tests) == 0 {
		return nil, nil
	}
	t, err := e.tester(r, img, platform)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	var results []recipes.TestResult
	for _, test := range r.Tests {
		o, err := t.run(ctx, test)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, placed(r, test.Pos, fmt.Errorf("running test %q: %w", test.Title(), err))
		}
		if want, got, ok := o.check(test); !ok {
			return nil, &TestError{
				File: r.File, Pos: test.Pos, Name: test.Title(), Want: want, Got: got,
				Stdout: o.stdout.String(), Stderr: o.stderr.String(),
			}
		}
		results = append(results, recipes.TestResult{Name: test.Title(), Run: test.Run, Exit: o.exit, Passed: true})
	}
	return results, nil
}

// tester runs tests on one image.
type tester struct {
	engine   *Engine
	root     llb.State
	platform llb.ConstraintsOpt
	volumes  []string
	timeout  time.Duration
}

func (e *Engine) tester(r *recipes.Recipe, img v1.Image, platform string) (*tester, error) {
	digest, err := layer.Store(e.Store, img)
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	goos, arch, _ := strings.Cut(platform, "/")
	t := &tester{engine: e, platform: llb.Platform(ocispec(goos, arch)), volumes: r.Image.Volumes, timeout: e.TestTimeout}
	if t.timeout <= 0 {
		t.timeout = defaultTestTimeout
	}
	t.root = input(digest, t.platform, llb.WithCustomName("the image")).
		User(file.Config.User).Dir(path.Join("/", file.Config.WorkingDir))
	for _, kv := range file.Config.Env {
		k, v, _ := strings.Cut(kv, "=")
		t.root = t.root.AddEnv(k, v)
	}
	return t, nil
}

// outcome is what a program did.
type outcome struct {
	exit           int
	late           time.Duration // where not 0, it still ran after this
	stdout, stderr bytes.Buffer  // as far as the engine's log limit goes
}

func (t *tester) run(ctx context.Context, test recipes.Test) (*outcome, error) {
	def, err := t.graph(test).Marshal(ctx, t.platform)
	if err != nil {
		return nil, err
	}
	opt, err := t.engine.options()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	o := &outcome{exit: test.Exit}
	watch := t.engine.Display.Watch("testing")
	_, err = t.engine.Client.Solve(limited, def, opt, o.listen(watch.Status))
	watch.Wait()
	var exit *gatewaypb.ExitError
	switch {
	case err == nil:
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		o.late = t.timeout
	case errors.As(err, &exit):
		o.exit = int(exit.ExitCode)
	default:
		return nil, err
	}
	return o, nil
}

// graph runs the test. What an engine has cached says nothing of what the
// program writes, so it runs each time. The one output of the operation, since
// the root is read-only, is /tmp.
func (t *tester) graph(test recipes.Test) llb.State {
	opts := []llb.RunOption{
		llb.Args(test.Run), llb.ReadonlyRootFS(), llb.Network(llb.NetModeNone), llb.IgnoreCache,
		llb.ValidExitCodes(test.Exit), t.platform, llb.WithCustomName("test: " + test.Title()),
	}
	for _, dir := range t.volumes {
		opts = append(opts, llb.AddMount(dir, llb.Scratch(), llb.Tmpfs()))
	}
	for _, kv := range sorted(test.Env) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	tmp := llb.Scratch().File(llb.Mkdir("/tmp", 0o1777), t.platform, llb.WithCustomName("make /tmp"))
	return t.root.Run(opts...).AddMount("/tmp", tmp, llb.SourcePath("/tmp"))
}

// listen keeps what the program writes, and hands the status on to next.
func (o *outcome) listen(next chan *client.SolveStatus) chan *client.SolveStatus {
	statuses := make(chan *client.SolveStatus)
	go func() {
		defer close(next)
		for s := range statuses {
			for _, l := range s.Logs {
				if l.Stream == 1 {
					o.stdout.Write(l.Data)
				} else {
					o.stderr.Write(l.Data)
				}
			}
			next <- s
		}
	}()
	return statuses
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
