package sbom

import (
	"regexp"
	"slices"
	"strings"
)

// licenseExpr is a synopsis of a copyright file: a short name, or operands
// joined by one operator.
type licenseExpr struct {
	// atom is a short name; empty where there are operands.
	atom string
	// operator is AND or OR.
	operator string
	operands []licenseExpr
}

var (
	commaOperator = regexp.MustCompile(`(?i),\s+(?:and\s+|or\s+)?`)
	orWord        = regexp.MustCompile(`(?i)\s+(?:and/)?or\s+`)
	andWord       = regexp.MustCompile(`(?i)\s+and\s+`)
	underscores   = regexp.MustCompile(`(?i)_(or|and)_`)
)

// parseLicense reads a synopsis. "and" binds tighter than "or", and both
// tighter than behind a comma: "A or B, and C" is both of (A or B) and C
// (Debian copyright format 1.0, "Syntax").
func parseLicense(s string) licenseExpr {
	s = strings.TrimSpace(underscores.ReplaceAllString(s, " $1 "))
	if at := commaOperator.FindAllStringIndex(s, -1); at != nil {
		return parseCommas(s, at)
	}
	if parts := orWord.Split(s, -1); len(parts) > 1 {
		return joined("OR", parts)
	}
	if parts := andWord.Split(s, -1); len(parts) > 1 {
		return joined("AND", parts)
	}
	return licenseExpr{atom: s}
}

// parseCommas splits at the commas, which all mean what stands behind the
// last: "A, B or C" is an enumeration.
func parseCommas(s string, at [][]int) licenseExpr {
	var parts []string
	start := 0
	for _, m := range at {
		parts, start = append(parts, s[start:m[0]]), m[1]
	}
	parts = append(parts, s[start:])
	last := at[len(at)-1]
	word := strings.ToLower(strings.Trim(s[last[0]:last[1]], ", \t\n"))
	if word == "" && orWord.MatchString(parts[len(parts)-1]) || word == "or" {
		return joined("OR", parts)
	}
	return joined("AND", parts)
}

func joined(operator string, parts []string) licenseExpr {
	e := licenseExpr{operator: operator}
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			e.operands = append(e.operands, parseLicense(p))
		}
	}
	return e
}

// position is where in an expression a rendered part stands.
type position int

const (
	// alone needs no parentheses.
	alone position = iota
	// termOf is the operand of an AND.
	termOf
)

// render writes e as an SPDX expression (SPDX 2.3, annex D), each operand
// once; refer names what is not listed.
func (l *licenses) render(e licenseExpr, at position, refer func(atom string) string) string {
	if e.operator == "" {
		if id := l.listed(e.atom, at); id != "" {
			return id
		}
		return refer(e.atom)
	}
	operands := e.flat()
	if len(operands) == 1 {
		return l.render(operands[0], at, refer)
	}
	inner := alone
	if e.operator == "AND" {
		inner = termOf
	}
	var parts []string
	for _, o := range operands {
		parts = appendNew(parts, l.render(o, inner, refer))
	}
	switch {
	case len(parts) == 1:
		return l.render(operands[0], at, refer)
	case e.operator == "AND":
		return strings.Join(parts, " AND ")
	}
	slices.Sort(parts)
	s := strings.Join(parts, " OR ")
	if at == termOf {
		return "(" + s + ")"
	}
	return s
}

// flat are the operands of e, with those of operands of the same operator in
// their place.
func (e licenseExpr) flat() []licenseExpr {
	var all []licenseExpr
	for _, o := range e.operands {
		if o.operator == e.operator {
			all = append(all, o.flat()...)
		} else {
			all = append(all, o)
		}
	}
	return all
}
