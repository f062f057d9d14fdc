package archive

import (
	"fmt"
	"slices"
	"strings"
)

// relation is one package name in a dependency field, with what is asked of
// its version and architecture (Debian Policy, section 7.1).
type relation struct {
	name    string
	arch    string // any, native, an architecture, or empty
	op      string // <<, <=, =, >=, >>, or empty
	version string
}

func (r relation) String() string {
	s := r.name
	if r.arch != "" {
		s += ":" + r.arch
	}
	if r.op != "" {
		s += " (" + r.op + " " + r.version + ")"
	}
	return s
}

// clause is a list of relations of which one must hold.
type clause []relation

func (c clause) String() string {
	parts := make([]string, len(c))
	for i, r := range c {
		parts[i] = r.String()
	}
	return strings.Join(parts, " | ")
}

// parseRelations reads the value of a dependency field. Binary packages have
// no architecture lists and build profiles, so these are errors.
func parseRelations(s string) ([]clause, error) {
	var out []clause
	for part := range strings.SplitSeq(s, ",") {
		if strings.TrimSpace(part) == "" {
			continue // trailing commas occur
		}
		var c clause
		for alt := range strings.SplitSeq(part, "|") {
			r, err := parseRelation(strings.TrimSpace(alt))
			if err != nil {
				return nil, err
			}
			c = append(c, r)
		}
		out = append(out, c)
	}
	return out, nil
}

func parseRelation(s string) (relation, error) {
	name, constraint, found := strings.Cut(s, "(")
	var r relation
	r.name, r.arch, _ = strings.Cut(strings.TrimSpace(name), ":")
	if err := checkName(r.name); err != nil {
		return r, fmt.Errorf("relation %q: %w", s, err)
	}
	if slices.ContainsFunc([]byte(r.arch), func(c byte) bool { return !isDigit(c) && !isLetter(c) && c != '-' }) {
		return r, fmt.Errorf("relation %q: %q is not an architecture", s, r.arch)
	}
	if !found {
		return r, nil
	}
	inner, rest, closed := strings.Cut(constraint, ")")
	if !closed || strings.TrimSpace(rest) != "" {
		return r, fmt.Errorf("relation %q: no closing parenthesis at its end", s)
	}
	var err error
	r.op, r.version, err = parseConstraint(strings.TrimSpace(inner))
	if err != nil {
		return r, fmt.Errorf("relation %q: %w", s, err)
	}
	return r, nil
}

// parseConstraint splits an operator off the version behind it. The single
// < and > are old spellings of <= and >= (Debian Policy, section 7.1).
func parseConstraint(s string) (op, version string, err error) {
	i := 0
	for i < len(s) && strings.IndexByte("<>=", s[i]) >= 0 {
		i++
	}
	op, version = s[:i], strings.TrimSpace(s[i:])
	switch op {
	case "<", ">":
		op += "="
	case "<<", "<=", "=", ">=", ">>":
	default:
		return "", "", fmt.Errorf("%q is not a relation of versions", op)
	}
	return op, version, checkVersion(version)
}

// holds reports whether version satisfies the relation's constraint.
func (r relation) holds(version string) bool {
	if r.op == "" {
		return true
	}
	c := CompareVersions(version, r.version)
	switch r.op {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	}
	return c > 0
}

// checkName reports whether s is a package name (Debian Policy, section
// 5.6.7). Virtual names with upper-case letters occur and are let through.
func checkName(s string) error {
	if s == "" {
		return fmt.Errorf("package name is empty")
	}
	for _, c := range []byte(s) {
		if !isDigit(c) && !isLetter(c) && strings.IndexByte("+-._", c) < 0 {
			return fmt.Errorf("package name %q: character %q is not allowed", s, c)
		}
	}
	return nil
}
