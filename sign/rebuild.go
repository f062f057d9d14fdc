package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// PredicateRebuild is the type of a statement that somebody else built an image
// again and got the same digest; the document is rebuild-v1.md in this folder.
const PredicateRebuild = "https://github.com/kiln-build/kiln/blob/main/sign/rebuild-v1.md"

// RebuildInput is everything that [Rebuild] says.
type RebuildInput struct {
	// BuilderID is the URI of who ran the rebuild, as in [ProvenanceInput].
	BuilderID string
	// Kiln and BuildKit are versions.
	Kiln, BuildKit string
	// Provenance is the predicate that the rebuild followed, as it was signed.
	Provenance json.RawMessage
	// Fresh is whether engine and caches were empty when it began.
	Fresh bool
}

// rebuild is the predicate.
type rebuild struct {
	Builder    builder           `json:"builder"`
	BuildKey   string            `json:"buildKey"`
	Provenance map[string]string `json:"provenance"`
	Fresh      bool              `json:"fresh"`
}

// Rebuild writes the predicate of a rebuild statement. The same input gives the
// same bytes.
func Rebuild(in RebuildInput) (json.RawMessage, error) {
	if in.BuilderID == "" {
		return nil, errors.New("writing rebuild statement: the builder id is needed")
	}
	key := BuildKey(in.Provenance)
	if key == "" {
		return nil, fmt.Errorf("writing rebuild statement: reading provenance: %w", ErrOtherBuildType)
	}
	sum := sha256.Sum256(in.Provenance)
	return json.Marshal(rebuild{
		Builder:    builder{ID: in.BuilderID, Version: map[string]string{"kiln": in.Kiln, "buildkit": in.BuildKit}},
		BuildKey:   key,
		Provenance: map[string]string{"sha256": hex.EncodeToString(sum[:])},
		Fresh:      in.Fresh,
	})
}

// Rebuilt is what a rebuild statement says.
type Rebuilt struct {
	// Builder is the id of who ran the rebuild.
	Builder string
	// Key is the build key that was built.
	Key   string
	Fresh bool
}

// RebuiltOf reads the predicate of a rebuild statement.
func RebuiltOf(predicate json.RawMessage) (Rebuilt, error) {
	var r rebuild
	if err := json.Unmarshal(predicate, &r); err != nil {
		return Rebuilt{}, fmt.Errorf("reading rebuild statement: %w", err)
	}
	if r.Builder.ID == "" || r.BuildKey == "" {
		return Rebuilt{}, errors.New("reading rebuild statement: it names no builder or no build key")
	}
	return Rebuilt{Builder: r.Builder.ID, Key: r.BuildKey, Fresh: r.Fresh}, nil
}
