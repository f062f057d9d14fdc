package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/kiln-build/kiln/recipes"
)

// Operation is one operation of a build's graph, for people to look at.
type Operation struct {
	// ID counts from 1. Inputs are ids of earlier operations.
	ID     int   `json:"id"`
	Inputs []int `json:"inputs"`
	// Kind is source, run or file.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Line and Column are the operation's place in the recipe; 0 where no
	// line of it asks for the operation.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Command is what a run runs, with its arguments.
	Command []string `json:"command,omitempty"`
	// Network is whether the run, or the source, reaches the network from
	// the engine.
	Network bool `json:"network"`
	// Packages counts the packages of the archive that a run installs.
	Packages int `json:"packages,omitempty"`
}

// Outline is the graph of a build, in an order in which it could be carried
// out. It needs nothing but recipe and lock: where the graph has digests of
// what kiln fetches, it is made with others.
func Outline(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, platform string) ([]Operation, error) {
	in := Inputs{Root: standIn("root"), Sources: standIn("sources")}
	o := &outline{ids: map[string]int{}, fetched: map[string]int{}, packages: map[string]bool{}}
	for {
		f, err := NextFetch(r, l, platform, in)
		if err != nil {
			return nil, err
		}
		if f == nil {
			break
		}
		last, err := o.add(ctx, f.run("outline"))
		if err != nil {
			return nil, err
		}
		o.list[last-1].Network = true
		result := standIn(fmt.Sprintf("fetch %d", f.Index))
		o.fetched[result.String()] = last
		in.Fetched = append(in.Fetched, result)
	}
	p, err := NewPlan(r, l, platform, in)
	if err != nil {
		return nil, err
	}
	_, err = o.add(ctx, p.Artifacts)
	return o.list, err
}

func standIn(name string) v1.Hash {
	sum := sha256.Sum256([]byte("stands in for " + name))
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// outline is a graph that is being gathered from several definitions.
type outline struct {
	list     []Operation
	ids      map[string]int // by digest; 0 for operations that are left out
	fetched  map[string]int // the fetch whose result an image stands for
	packages map[string]bool
}

// add adds what a state is made by, and returns the id of the last operation.
func (o *outline) add(ctx context.Context, st llb.State) (int, error) {
	def, err := st.Marshal(ctx)
	if err != nil {
		return 0, fmt.Errorf("planning: %w", err)
	}
	last := 0
	for _, b := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(b); err != nil {
			return 0, fmt.Errorf("planning: %w", err)
		}
		id := digest.FromBytes(b)
		if op.Op == nil { // the end of a definition names its result
			for _, in := range op.Inputs {
				last = o.ids[in.Digest]
			}
			continue
		}
		if _, known := o.ids[id.String()]; !known {
			o.operation(id, op, def)
		}
	}
	return last, nil
}

var namePrefix = regexp.MustCompile(`^\[[^\]]*:\d+\] `)

func (o *outline) operation(id digest.Digest, op *pb.Op, def *llb.Definition) {
	meta := def.Metadata[id]
	if meta.ProgressGroup != nil && meta.ProgressGroup.Id == packagesGroup {
		o.packages[id.String()] = true
		return
	}
	n := Operation{
		ID: len(o.list) + 1, Inputs: []int{},
		Name: namePrefix.ReplaceAllString(meta.Description["llb.customname"], ""),
	}
	n.Line, n.Column = placeIn(def, id)
	switch {
	case op.GetExec() != nil:
		n.Kind, n.Command = "run", op.GetExec().Meta.Args
	case op.GetFile() != nil:
		n.Kind = "file"
	default:
		n.Kind = "source"
		identifier := op.GetSource().GetIdentifier()
		for result, fetch := range o.fetched {
			if strings.Contains(identifier, result) {
				o.ids[id.String()] = fetch
				return
			}
		}
		n.Network = strings.HasPrefix(identifier, "git://") || strings.HasPrefix(identifier, "https://")
	}
	for _, in := range op.Inputs {
		switch at := o.ids[in.Digest]; {
		case o.packages[in.Digest]:
			n.Packages++
		case at > 0 && !slices.Contains(n.Inputs, at):
			n.Inputs = append(n.Inputs, at)
		}
	}
	o.ids[id.String()] = n.ID
	o.list = append(o.list, n)
}

// placeIn is the line and column of the recipe that an operation is for.
func placeIn(def *llb.Definition, id digest.Digest) (line, column int) {
	if def.Source == nil || def.Source.Locations[id.String()] == nil {
		return 0, 0
	}
	for _, l := range def.Source.Locations[id.String()].Locations {
		for _, r := range l.Ranges {
			return int(r.Start.Line), int(r.Start.Character)
		}
	}
	return 0, 0
}
