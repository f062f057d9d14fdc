package builder

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/kiln-build/kiln/recipes"
)

// Commit is a commit of a git repository.
type Commit struct {
	ID string
	// Time is the committer's, in seconds since 1970.
	Time int64
}

// ResolveGit has the engine find the commit that a git source stands for.
func (e *Engine) ResolveGit(ctx context.Context, src recipes.GitSource) (Commit, error) {
	ref := src.Commit
	if src.Ref != "" {
		ref = src.Ref
	}
	def, err := llb.Git(src.URL, "", llb.GitRef(ref)).Marshal(ctx)
	if err != nil {
		return Commit{}, fmt.Errorf("resolving %s of %s: %w", ref, src.URL, err)
	}
	op, err := sourceOp(def)
	if err != nil {
		return Commit{}, fmt.Errorf("resolving %s of %s: %w", ref, src.URL, err)
	}
	opt, err := e.options()
	if err != nil {
		return Commit{}, err
	}
	var found *sourceresolver.ResolveGitResponse
	watch := e.Display.Watch("resolving git sources")
	_, err = e.Client.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		meta, err := c.ResolveSourceMetadata(ctx, op, sourceresolver.Opt{
			GitOpt: &sourceresolver.ResolveGitOpt{ReturnObject: true},
		})
		if err == nil {
			found = meta.Git
		}
		return gateway.NewResult(), err
	}, watch.Status)
	watch.Wait()
	if err != nil {
		return Commit{}, fmt.Errorf("resolving %s of %s: %w", ref, src.URL, err)
	}
	return checkCommit(src, found)
}

// sourceOp is the one source operation of a definition.
func sourceOp(def *llb.Definition) (*pb.SourceOp, error) {
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		if s := op.GetSource(); s != nil {
			return s, nil
		}
	}
	return nil, errors.New("the definition has no source")
}

func checkCommit(src recipes.GitSource, found *sourceresolver.ResolveGitResponse) (Commit, error) {
	if found == nil {
		return Commit{}, fmt.Errorf("resolving %s: the engine cannot resolve git sources", src.URL)
	}
	id := found.Checksum
	if found.CommitChecksum != "" { // Checksum is that of an annotated tag
		id = found.CommitChecksum
	}
	if src.Commit != "" && id != src.Commit {
		return Commit{}, fmt.Errorf("resolving %s: ref %s is commit %s, the recipe says %s", src.URL, src.Ref, id, src.Commit)
	}
	t, err := committed(found.CommitObject)
	if err != nil {
		return Commit{}, fmt.Errorf("resolving %s: commit %s: %w", src.URL, id, err)
	}
	return Commit{ID: id, Time: t}, nil
}

// committed reads the committer's time from a raw commit object
// (gitformat-commit: "committer NAME <MAIL> SECONDS ZONE").
func committed(object []byte) (int64, error) {
	for _, line := range strings.Split(string(object), "\n") {
		if rest, ok := strings.CutPrefix(line, "committer "); ok {
			fields := strings.Fields(rest)
			if len(fields) >= 2 {
				return strconv.ParseInt(fields[len(fields)-2], 10, 64)
			}
		}
		if line == "" {
			break
		}
	}
	return 0, errors.New("it says no time")
}
