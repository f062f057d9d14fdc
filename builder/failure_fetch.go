package builder

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/builder/progress"
)

// solveFetch has the engine carry out a fetch. For the engine its command
// always succeeds: where it did not, and somebody wants to look at it, they see
// what it had before it ran and the folder that it filled. What it changed
// elsewhere is gone. The second result is what kept them from it.
func (e *Engine) solveFetch(ctx context.Context, f *Fetch, def *llb.Definition, opt client.SolveOpt, w *progress.Watch) (err, look error) {
	if e.OnFailure == nil {
		_, err := e.Client.Solve(ctx, def, opt, w.Status)
		return err, nil
	}
	_, err = e.Client.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
		if err == nil {
			look = e.lookAtFetch(ctx, f, c, def, res, w)
		}
		return res, err
	}, w.Status)
	return err, look
}

func (e *Engine) lookAtFetch(ctx context.Context, f *Fetch, c gateway.Client, def *llb.Definition, res *gateway.Result, w *progress.Watch) error {
	out, err := res.SingleRef()
	if err != nil {
		return err
	}
	code, err := out.ReadFile(ctx, gateway.ReadRequest{Filename: exitFile})
	if err != nil {
		return fmt.Errorf("looking at the fetch: %w", err)
	}
	exit, err := strconv.Atoi(strings.TrimSpace(string(code)))
	if err != nil || exit == 0 {
		return err
	}
	exec, id := lastExec(def)
	if exec == nil {
		return errors.New("looking at the fetch: its graph has no command")
	}
	w.Ended(ctx, id)
	step := f.exited(exit, f.said(w))
	left, err := f.left(ctx, c, exec, out, step)
	if err != nil {
		return fmt.Errorf("looking at the fetch: %w", err)
	}
	w.Hide()
	return e.OnFailure(ctx, step, left)
}

// said are the last lines of the fetch's command.
func (f *Fetch) said(w *progress.Watch) []string {
	return w.Named(f.plan.prefix(f.step.Pos) + f.spec.title)
}

// exited is the error of a command that did not succeed.
func (f *Fetch) exited(exit int, log []string) *StepError {
	return &StepError{
		File: f.plan.recipe.File, Pos: f.step.Pos, Name: f.spec.title, Log: log, Exit: exit, Err: fmt.Errorf("exit code %d", exit),
	}
}

// left is what there is of the fetch: its command without what notes the exit
// code, and none of its secrets.
func (f *Fetch) left(ctx context.Context, c gateway.Client, exec *pb.ExecOp, out gateway.Reference, step *StepError) (*failed.Left, error) {
	tools, err := f.plan.env.Marshal(ctx, f.plan.platform)
	if err != nil {
		return nil, err
	}
	sees, err := f.sees.Marshal(ctx, f.plan.platform)
	if err != nil {
		return nil, err
	}
	parts := []failed.Part{{Dest: "/"}, {Dest: "/tmp"}, {Dest: srcDir}, {Dest: f.spec.out, Ref: out}}
	for i, d := range map[int]*llb.Definition{0: tools, 2: sees} {
		res, err := c.Solve(ctx, gateway.SolveRequest{Definition: d.ToPB(), Evaluate: true})
		if err != nil {
			return nil, err
		}
		if parts[i].Ref, err = res.SingleRef(); err != nil {
			return nil, err
		}
	}
	s := kept(step)
	s.Args, s.Env, s.Cwd, s.User = f.spec.args, exec.Meta.Env, exec.Meta.Cwd, exec.Meta.User
	s.Network, s.Platform = true, f.plan.target.Builder
	return failed.Of(c, s, parts, tools), nil
}

// lastExec is the last command of a graph, and the digest of its operation.
func lastExec(def *llb.Definition) (exec *pb.ExecOp, id string) {
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err == nil && op.GetExec() != nil {
			exec, id = op.GetExec(), digest.FromBytes(dt).String()
		}
	}
	return exec, id
}
