package sign

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

// Rebuilders are the names of those among by who signed that they built the image
// again, each once: a rebuild of this very digest with the build key that the
// image's provenance has. Who signed the provenance does not count: signer is
// that one's name. Statements of others are ignored. By are keys: descriptions of
// certificates may fit one and the same builder.
func Rebuilders(ctx context.Context, subject v1.Hash, attached recipes.Attached, buildKey, signer string, by []Identity) ([]string, error) {
	only := recipes.Attached{Attestations: attached.Attestations}
	for _, b := range attached.Bundles {
		if b.Claims == PredicateRebuild || b.Claims == "" {
			only.Bundles = append(only.Bundles, b)
		}
	}
	var ids []string
	for _, id := range by {
		if id.Key == nil {
			return nil, fmt.Errorf("counting rebuilds: %s is no key", id)
		}
		report, err := Verify(ctx, subject, only, id, nil)
		if err != nil {
			return nil, err
		}
		if who := id.String(); who != signer && !slices.Contains(ids, who) && report.rebuilt(buildKey) {
			ids = append(ids, who)
		}
	}
	return ids, nil
}

// rebuilt reports whether a statement that verified is about a rebuild with
// the build key.
func (r *Report) rebuilt(buildKey string) bool {
	return slices.ContainsFunc(r.Statements, func(s Statement) bool {
		if s.PredicateType != PredicateRebuild || buildKey == "" {
			return false
		}
		said, err := RebuiltOf(s.Predicate)
		return err == nil && said.Key == buildKey
	})
}
