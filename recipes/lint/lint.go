// Package lint finds what is allowed in a recipe and still not good: inputs
// that move, scripts that hide failures, fields that do nothing. What is wrong
// in a recipe, package recipes says; what is wrong with an image, the build.
// Nothing is fetched, built or run. Start at [Check].
package lint

import (
	"cmp"
	"slices"

	"github.com/kiln-build/kiln/recipes"
)

// Level is how bad a finding is.
type Level string

// Levels, from the worst.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Finding is one thing that a rule found.
type Finding struct {
	// Rule is the id of one of Rules.
	Rule  string
	Level Level
	// Problem has the place, what is the matter, and the fix as its hint.
	recipes.Problem
}

// Input is what a recipe is looked at with.
type Input struct {
	Recipe *recipes.Recipe
	// Lock is the recipe's; nil where it has none.
	Lock *recipes.Lock
	// ToolchainPackages are the Debian packages of a toolchain; nil skips the
	// rule that needs it.
	ToolchainPackages func(toolchain string) ([]string, error)
	// VEX are the statements beside the recipe; nil where there are none.
	VEX *recipes.VEX
	// EOL says from when on a version that upstream mends no more is told.
	EOL recipes.CatalogEOL
	// Today is the day, as YYYY-MM-DD, on which statements have to hold.
	Today string
}

// Check applies all rules, in the order of the file. What a comment
// `# kiln-lint: ignore=RULE reason` in the same line, or alone in the line
// before, excuses is left out.
func Check(in Input) []Finding {
	c := &checker{Input: in, file: in.Recipe.File}
	c.head()
	c.eol()
	c.sources()
	c.build()
	c.image()
	c.scripts()
	c.lock()
	c.ignore(in.Recipe.Raw)
	c.vex()
	return sorted(c.found)
}

// Wrong turns the mistakes for which a recipe does not load into findings.
func Wrong(mistakes *recipes.Errors) []Finding {
	var found []Finding
	for _, p := range mistakes.Problems {
		rule := RuleInvalid
		if p.Msg == "license is missing" {
			rule = RuleMissingLicense
		}
		found = append(found, Finding{Rule: rule, Level: Error, Problem: p})
	}
	return sorted(found)
}

// Worst is the worst level among the findings; empty where there are none.
func Worst(found []Finding) Level {
	for _, l := range []Level{Error, Warning, Note} {
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Level == l }) {
			return l
		}
	}
	return ""
}

// Merge puts the findings of a recipe and of its variants in the order of the
// file, each once.
func Merge(found []Finding) []Finding { return sorted(found) }

type checker struct {
	Input
	file  string
	found []Finding
	// online is whether the step that is looked at has the network.
	online bool
}

// add adds a finding of the rule, with the rule's own level and fix.
func (c *checker) add(rule string, at recipes.Pos, msg string) {
	r, _ := Find(rule)
	c.found = append(c.found, Finding{
		Rule: rule, Level: r.Level,
		Problem: recipes.Problem{File: c.file, Pos: at, Msg: msg, Hint: r.Fix},
	})
}

func sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Msg, b.Msg),
		)
	})
	return slices.Compact(found)
}
