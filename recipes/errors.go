package recipes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a recipe or lock.
type Problem struct {
	// File is the path as the user gave it.
	File string
	Pos  Pos
	// Msg says what is wrong, Hint the way out; Hint may be empty.
	Msg  string
	Hint string
}

// String is "file:line:col: msg"; where the position is unknown, "file: msg".
func (p Problem) String() string {
	if p.Pos.Line == 0 {
		return p.File + ": " + p.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Pos.Line, p.Pos.Col, p.Msg)
}

// Errors are all the mistakes of one file, in the order of the file.
type Errors struct {
	Problems []Problem
}

// Error has a line for each problem, and below it its hint, if it has one.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
		if p.Hint != "" {
			b.WriteString("\n  hint: " + p.Hint)
		}
	}
	return b.String()
}

// problems collects the mistakes of one file.
type problems struct {
	file string
	list []Problem
}

func (p *problems) add(at Pos, hint, format string, args ...any) {
	p.list = append(p.list, Problem{File: p.file, Pos: at, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// err is nil where there are no problems, so that callers return it as it is.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Msg, b.Msg),
		)
	})
	return &Errors{Problems: slices.Compact(p.list)}
}
