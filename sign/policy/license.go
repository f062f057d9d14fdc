package policy

import (
	"slices"
	"strings"
)

// denied is the license id of an SPDX expression (SPDX 2.3, annex D) for which
// the patterns deny it, or empty: one of all that apply, or each of those to
// choose from. An expression that cannot be read is denied as it is.
func denied(expression string, patterns []string) string {
	p := &reader{words: words(expression), deny: patterns}
	id := p.or()
	if p.broken || len(p.words) > 0 {
		return "an expression that cannot be read: " + expression
	}
	return id
}

func words(expression string) []string {
	if strings.TrimSpace(expression) == "" {
		return []string{"NOASSERTION"}
	}
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(expression))
}

// reader reads an expression from its words. AND binds tighter than OR.
type reader struct {
	words  []string
	deny   []string
	broken bool
	depth  int
}

func (r *reader) next(word string) bool {
	if len(r.words) == 0 || !strings.EqualFold(r.words[0], word) {
		return false
	}
	r.words = r.words[1:]
	return true
}

// or is denied where every alternative is.
func (r *reader) or() string {
	id := r.and()
	for r.next("OR") {
		if other := r.and(); other == "" || id == "" {
			id = ""
		}
	}
	return id
}

// and is denied where one part is.
func (r *reader) and() string {
	id := r.atom()
	for r.next("AND") {
		if other := r.atom(); id == "" {
			id = other
		}
	}
	return id
}

const maxDepth = 64

func (r *reader) atom() string {
	if r.depth++; r.depth > maxDepth {
		r.broken = true
		return ""
	}
	defer func() { r.depth-- }()
	if r.next("(") {
		id := r.or()
		r.broken = r.broken || !r.next(")")
		return id
	}
	if len(r.words) == 0 || slices.Contains([]string{")", "AND", "OR", "WITH"}, r.words[0]) {
		r.broken = true
		return ""
	}
	id := r.words[0]
	r.words = r.words[1:]
	if r.next("WITH") { // an exception permits more, and is not looked at
		if len(r.words) == 0 {
			r.broken = true
			return ""
		}
		r.words = r.words[1:]
	}
	for _, p := range r.deny {
		if matches(strings.ToLower(p), strings.ToLower(id)) {
			return id
		}
	}
	return ""
}
