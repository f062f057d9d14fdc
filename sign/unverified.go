package sign

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

// Unverified returns the predicates of a type that are attached to an image
// and claim to be about it, each once. Nobody knows who made them: [Verify]
// finds that out. What cannot be read is left out.
func Unverified(subject v1.Hash, attached recipes.Attached, predicateType string) []Statement {
	var report Report
	take := func(a about) {
		if a.PredicateType == predicateType && a.is(subject) {
			report.add(Check{}, a.Statement)
		}
	}
	for _, b := range attached.Bundles {
		if parsed, err := parseBundle(b.Data); err == nil {
			take(parsed.statement)
		}
	}
	atts, err := layers(attached.Attestations)
	if err != nil {
		return report.Statements
	}
	for _, att := range atts {
		if _, read, err := att.envelope(); err == nil {
			take(read)
		}
	}
	return report.Statements
}
