package policy

import (
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// Statements are the predicate types that p asks for.
func Statements(p *recipes.Policy) []string {
	names := p.Statements
	if len(names) == 0 {
		names = []string{"spdx", "provenance", "tests"}
	}
	var types []string
	for _, n := range names {
		types = append(types, predicateType(n))
	}
	return types
}

// predicateType is the URI that a name of a policy stands for, or the URI
// itself.
func predicateType(name string) string {
	known := map[string]string{
		"spdx": sign.PredicateSPDX, "provenance": sign.PredicateProvenance, "tests": sign.PredicateTestResult,
		"scan": sign.PredicateScan, "vex": sign.PredicateVEX, "rebuild": sign.PredicateRebuild, "vsa": sign.PredicateVSA,
	}
	if t, ok := known[name]; ok {
		return t
	}
	return name
}
