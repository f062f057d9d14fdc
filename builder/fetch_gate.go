package builder

import (
	"context"
	"slices"
	"strings"
	"sync"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"

	"github.com/kiln-build/kiln/recipes"
)

// gate decides, for the engine's proxy, about each request of a fetch, and
// remembers them: the engine itself says nothing of those that it refused.
type gate struct {
	bases bases
	// allowed are the files that may be asked for; nil, while locking, is all.
	allowed map[string]recipes.FetchedFile

	mu      sync.Mutex
	files   map[string]recipes.FetchedFile // by real URL
	times   map[string]int                 // how often each real URL was asked for
	asked   []string                       // real URLs, in the order of their first request
	refused []string
}

func newGate(b bases, locked *recipes.LockedFetch) *gate {
	g := &gate{bases: b, files: map[string]recipes.FetchedFile{}, times: map[string]int{}}
	if locked != nil {
		g.allowed = map[string]recipes.FetchedFile{}
		for _, f := range locked.Files {
			g.allowed[nameOf(f)] = f
		}
	}
	return g
}

// nameOf tells the files of a fetch apart.
func nameOf(f recipes.FetchedFile) string { return f.Ecosystem + " " + f.Path }

// provider is the gate as the engine asks it (solver/llbsolver/policy.go).
func (g *gate) provider() *policysession.PolicyProvider {
	return policysession.NewPolicyProvider(func(_ context.Context, req *policysession.CheckPolicyRequest) (*policysession.DecisionResponse, *gatewaypb.ResolveSourceMetaRequest, error) {
		return g.decide(req.GetSource().GetSource().GetIdentifier()), nil, nil
	})
}

func (g *gate) decide(id string) *policysession.DecisionResponse {
	if !strings.HasPrefix(id, "http://") && !strings.HasPrefix(id, "https://") {
		return &policysession.DecisionResponse{Action: spb.PolicyAction_ALLOW} // the plan's own inputs
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	file, url := g.bases.file(id)
	_, _, virtual := g.bases.virtual(id)
	if was, converted := g.files[url]; converted && !virtual {
		file = was
	}
	if g.allowed != nil {
		locked, ok := g.allowed[nameOf(file)]
		if !ok || (file.Signed && !locked.Signed) {
			g.refuse(url)
			return &policysession.DecisionResponse{Action: spb.PolicyAction_DENY}
		}
	}
	g.files[url] = file
	if virtual {
		// The engine asks again, for what it is converted to.
		return &policysession.DecisionResponse{Action: spb.PolicyAction_CONVERT, Update: &pb.SourceOp{Identifier: url}}
	}
	if g.times[url]++; g.times[url] == 1 {
		g.asked = append(g.asked, url)
	}
	return &policysession.DecisionResponse{Action: spb.PolicyAction_ALLOW}
}

func (g *gate) refuse(url string) {
	if !slices.Contains(g.refused, url) {
		g.refused = append(g.refused, url)
	}
}
