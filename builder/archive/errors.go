package archive

import (
	"fmt"
	"slices"
	"strings"
)

// UnknownError says that the archive has no package of a name, or not in the
// version or suite asked for.
type UnknownError struct {
	// Kind is "package" or "source package".
	Kind, Name string
	// Version or Suite is what was asked for besides the name.
	Version, Suite string
	// Arch is the architecture that it was asked for, where there are two.
	Arch string
	// Have are the versions there are, newest first.
	Have []string
	// Near are names that look like Name, where there is no version.
	Near []string
}

func (e *UnknownError) Error() string {
	s := "no " + e.Kind + " " + fmt.Sprintf("%q", e.Name)
	if e.Version != "" {
		s += " in version " + e.Version
	}
	if e.Suite != "" {
		s += " in suite " + e.Suite
	}
	if e.Arch != "" {
		s += " for " + e.Arch
	}
	return s
}

// Hint says what there is in its place; it may be empty.
func (e *UnknownError) Hint() string {
	switch {
	case len(e.Have) > 0:
		return "there is " + strings.Join(e.Have, ", ")
	case len(e.Near) > 0:
		return "did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return ""
}

// hinted is an error with a way out.
type hinted struct{ text, hint string }

func (e hinted) Error() string { return e.text }

// Hint is the way out.
func (e hinted) Hint() string { return e.hint }

// UnreachableError says that a mirror gave no answer.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return "asking the mirror: " + e.Err.Error() }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says what a person can do about it.
func (e *UnreachableError) Hint() string {
	return "no mirror of the Debian archive can be reached: check the network, or name another with --mirror URL"
}

// nearest returns up to three names of the tables that are like name: the
// fewest edits first, and no more than a third of its length.
func nearest(name string, parts []part) []string {
	type scored struct {
		name string
		dist int
	}
	limit := max(1, len(name)/3)
	var found []scored
	for _, p := range parts {
		for i := range p.rows {
			n := p.name(i)
			if d := len(n) - len(name); d > limit || -d > limit {
				continue
			}
			if d := distance(name, n, limit); d <= limit {
				found = append(found, scored{n, d})
			}
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		if a.dist != b.dist {
			return a.dist - b.dist
		}
		return strings.Compare(a.name, b.name)
	})
	found = slices.Compact(found)
	var out []string
	for _, f := range found[:min(3, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// distance is how many bytes must be put in, taken out or changed to make a
// of b (Levenshtein), or something above limit where it is more than that.
func distance(a, b string, limit int) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, best := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
			best = min(best, row[j+1])
		}
		if best > limit {
			return best
		}
	}
	return row[len(b)]
}

// ConflictError says that two packages cannot be installed together.
type ConflictError struct {
	// Package declares Conflicts or Breaks with Other. Both are name and
	// version.
	Package, Other string
	// Relation is what it declares.
	Relation string
	// Chains say who asked for each.
	Chains [2]string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("resolving packages: %s conflicts with %s: it breaks %s\n\t%s\n\t%s",
		e.Package, e.Other, e.Relation, e.Chains[0], e.Chains[1])
}

// UnmetError says that a dependency cannot be met.
type UnmetError struct {
	// Chain says who asked for it, from the seed on.
	Chain string
	// Dependency is the field's text.
	Dependency string
	// Reason says what there is in its place.
	Reason string
	// Near are names that look like the one wanted.
	Near []string
}

func (e *UnmetError) Error() string {
	return fmt.Sprintf("resolving packages: %s needs %s: %s", e.Chain, e.Dependency, e.Reason)
}

// Hint says what may have been meant; it may be empty.
func (e *UnmetError) Hint() string {
	if len(e.Near) > 0 {
		return "did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return ""
}
