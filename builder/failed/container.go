package failed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
)

// Terminal is what a process reads and writes. All of it stays open.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY gives the process a terminal of its own, with stderr on stdout.
	TTY bool
	// Sizes yields the terminal's size, first and whenever it changes; nil
	// where it is not known.
	Sizes <-chan Size
	// Env is added to the environment, such as TERM.
	Env []string
}

// Size is a terminal's, in characters.
type Size struct{ Rows, Cols uint32 }

// ErrNoShell says that the environment of the step has no /bin/sh.
var ErrNoShell = errors.New("the step's environment has no /bin/sh to open")

// place is where processes run: the mounts of a step.
type place struct {
	client   gateway.Client
	step     *Step
	mounts   []gateway.Mount
	platform *pb.Platform
}

// shell runs /bin/sh on a terminal until it ends; what it ends with does not
// matter.
func (p *place) shell(ctx context.Context, t Terminal) error {
	ctr, err := p.container(ctx)
	if err != nil {
		return err
	}
	defer ctr.Release(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost
	if !hasShell(ctx, ctr) {
		return ErrNoShell
	}
	_, err = p.start(ctx, ctr, []string{"/bin/sh"}, t)
	return err
}

// run runs a command and returns its exit code.
func (p *place) run(ctx context.Context, args []string, t Terminal) (int, error) {
	ctr, err := p.container(ctx)
	if err != nil {
		return -1, err
	}
	defer ctr.Release(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost
	return p.start(ctx, ctr, args, t)
}

func (p *place) container(ctx context.Context) (gateway.Container, error) {
	mode := pb.NetMode_NONE
	if p.step.Network {
		mode = pb.NetMode_UNSET
	}
	ctr, err := p.client.NewContainer(ctx, gateway.NewContainerRequest{Mounts: p.mounts, NetMode: mode, Platform: p.platform})
	if err != nil {
		return nil, fmt.Errorf("opening the failed step: %w", err)
	}
	return ctr, nil
}

// hasShell follows the links to /bin/sh, of which /bin itself may be one.
func hasShell(ctx context.Context, ctr gateway.Container) bool {
	for _, file := range []string{"/bin/sh", "/usr/bin/sh"} {
		if _, err := ctr.StatFile(ctx, gateway.StatContainerRequest{StatRequest: gateway.StatRequest{Path: file}}); err == nil {
			return true
		}
	}
	return false
}

func (p *place) start(ctx context.Context, ctr gateway.Container, args []string, t Terminal) (int, error) {
	env := slices.Concat(p.step.Env, t.Env)
	proc, err := ctr.Start(ctx, gateway.StartRequest{
		Args: args, Env: env, Cwd: p.step.Cwd, User: p.step.User, Tty: t.TTY,
		Stdin: io.NopCloser(t.Stdin), Stdout: open{t.Stdout}, Stderr: open{t.Stderr},
	})
	if err != nil {
		return -1, fmt.Errorf("starting %s: %w", args[0], err)
	}
	resizing, stop := context.WithCancel(ctx)
	defer stop()
	go resize(resizing, proc, t.Sizes)
	err = proc.Wait()
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil && exit.ExitCode < gatewaypb.UnknownExitStatus {
		return int(exit.ExitCode), nil
	}
	if err != nil {
		return -1, fmt.Errorf("running %s: %w", strings.Join(args, " "), err)
	}
	return 0, nil
}

func resize(ctx context.Context, proc gateway.ContainerProcess, sizes <-chan Size) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-sizes:
			if !ok {
				return
			}
			proc.Resize(ctx, gateway.WinSize{Rows: s.Rows, Cols: s.Cols}) //nolint:errcheck // the next one may work
		}
	}
}

// open is a writer that stays open.
type open struct{ io.Writer }

func (open) Close() error { return nil }
