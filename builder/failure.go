package builder

import (
	"context"
	"errors"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/builder/progress"
)

// solve has the engine carry out a part of the plan. Where somebody wants to
// look at a step that fails, it is done in a way that keeps what the step left
// until they have.
func (e *Engine) solve(ctx context.Context, p *Plan, def *llb.Definition, opt client.SolveOpt, w *progress.Watch) error {
	if e.OnFailure == nil {
		_, err := e.Client.Solve(ctx, def, opt, w.Status)
		return err
	}
	tools, err := p.env.Marshal(ctx, p.platform)
	if err != nil {
		return err
	}
	var looked error
	_, err = e.Client.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true, CacheImports: gatewayImports(opt.CacheImports)})
		if err != nil && ctx.Err() == nil {
			looked = e.look(ctx, p, c, err, w, tools)
		}
		return res, err
	}, w.Status)
	if err != nil && looked != nil {
		return &lookError{err, looked}
	}
	return err
}

// lookError is the error of a step, and what kept one from looking at it.
type lookError struct{ step, look error }

func (e *lookError) Error() string { return e.step.Error() }

func (e *lookError) Unwrap() error { return e.step }

// look hands what the failed step left to OnFailure.
func (e *Engine) look(ctx context.Context, p *Plan, c gateway.Client, err error, w *progress.Watch, tools *llb.Definition) error {
	var vertex *errdefs.VertexError
	var step *StepError
	if !errors.As(err, &vertex) {
		return nil
	}
	w.Ended(ctx, vertex.Digest)
	if !errors.As(e.stepError(ctx, p, w, err), &step) {
		return nil
	}
	left, ok := failed.Find(c, err, kept(step), tools)
	if !ok {
		return nil
	}
	w.Hide()
	return e.OnFailure(ctx, step, left)
}

// kept is what is kept of the error of a step.
func kept(e *StepError) failed.Step {
	return failed.Step{Recipe: e.File, Line: e.Pos.Line, Col: e.Pos.Col, Name: e.Name, Exit: e.Exit, Log: e.Log}
}
