package builder

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
)

// llbDigest is how a definition names an operation: by its bytes.
func llbDigest(op []byte) string { return digest.FromBytes(op).String() }

func opDigest(id string) digest.Digest { return digest.Digest(id) }

// line is where the recipe has the operation.
func line(def *llb.Definition, id string) string {
	if def.Source == nil || def.Source.Locations[id] == nil {
		return ""
	}
	for _, l := range def.Source.Locations[id].Locations {
		for _, r := range l.Ranges {
			return fmt.Sprintf(" (line %d, column %d)", r.Start.Line, r.Start.Character)
		}
	}
	return ""
}
