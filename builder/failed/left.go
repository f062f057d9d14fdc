package failed

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
)

// Left is what a step that failed has left in the engine, as long as the solve
// goes on.
type Left struct {
	place
	tools *llb.Definition
}

// Find returns what the failed step has left that err, an error of c, is
// about: nothing where no command failed. Tools is an environment with tar.
func Find(c gateway.Client, err error, step Step, tools *llb.Definition) (*Left, bool) {
	var solve *errdefs.SolveError
	if !errors.As(err, &solve) || solve.Op == nil || solve.Op.GetExec() == nil {
		return nil, false
	}
	exec := solve.Op.GetExec()
	if len(solve.MountIDs) != len(exec.Mounts) {
		return nil, false
	}
	step.Format = Format
	step.Args, step.Env, step.Cwd, step.User = exec.Meta.Args, exec.Meta.Env, exec.Meta.Cwd, exec.Meta.User
	step.Network = exec.Network != pb.NetMode_NONE
	l := &Left{place: place{client: c, step: &step, platform: solve.Op.Platform}, tools: tools}
	for i, m := range exec.Mounts {
		kind, ok := kindOf(m)
		if !ok {
			continue
		}
		step.Mounts = append(step.Mounts, Mount{Dest: m.Dest, Kind: kind, Readonly: m.Readonly, Selector: m.Selector})
		l.mounts = append(l.mounts, gateway.Mount{
			Dest: m.Dest, ResultID: solve.MountIDs[i], Readonly: m.Readonly, Selector: m.Selector,
			MountType: m.MountType, CacheOpt: m.CacheOpt,
		})
	}
	if solve.Op.Platform != nil {
		step.Platform = solve.Op.Platform.OS + "/" + solve.Op.Platform.Architecture
	}
	return l, true
}

// Part is a file system of a step that did not fail for the engine: a memory
// file system where Ref is nil.
type Part struct {
	Dest string
	Ref  gateway.Reference
}

// Of is what a step has left that the engine has no error of: the files of the
// parts, the first of which is the root.
func Of(c gateway.Client, step Step, parts []Part, tools *llb.Definition) *Left {
	step.Format = Format
	goos, arch, _ := strings.Cut(step.Platform, "/")
	l := &Left{place: place{client: c, step: &step, platform: &pb.Platform{OS: goos, Architecture: arch}}, tools: tools}
	for _, p := range parts {
		kind, mount := Files, gateway.Mount{Dest: p.Dest, Ref: p.Ref}
		if p.Ref == nil {
			kind, mount.MountType = Memory, pb.MountType_TMPFS
		}
		step.Mounts = append(step.Mounts, Mount{Dest: p.Dest, Kind: kind})
		l.mounts = append(l.mounts, mount)
	}
	return l
}

// kindOf leaves out secrets and agents.
func kindOf(m *pb.Mount) (string, bool) {
	switch m.MountType {
	case pb.MountType_BIND:
		return Files, true
	case pb.MountType_TMPFS:
		return Memory, true
	case pb.MountType_CACHE:
		return Cache, true
	}
	return "", false
}

// Shell opens a terminal in the step: its files as they were when it failed,
// its environment and working folder. It returns when the shell ends.
func (l *Left) Shell(ctx context.Context, t Terminal) error { return l.shell(ctx, t) }

// Save writes the step and its files to w, as [Open] reads them. Progress,
// which may be nil, is told how many bytes of files have been read.
func (l *Left) Save(ctx context.Context, w io.Writer, progress func(int64)) error {
	return l.save(ctx, w, progress)
}
