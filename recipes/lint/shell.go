package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/kiln-build/kiln/recipes"
)

func (c *checker) script(s script) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(s.text), "")
	var bad syntax.ParseError
	var other syntax.LangError
	switch {
	case errors.As(err, &other):
		c.add(RuleShellBash, s.pos(other.Pos.Line(), other.Pos.Col()), fmt.Sprintf("%s is not for sh", other.Feature))
		return
	case errors.As(err, &bad):
		c.add(RuleShellSyntax, s.pos(bad.Pos.Line(), bad.Pos.Col()), bad.Text)
		return
	case err != nil:
		c.add(RuleShellSyntax, s.pos(1, 1), err.Error())
		return
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		if n != nil {
			c.shell(s, n)
		}
		return true
	})
}

func (c *checker) shell(s script, n syntax.Node) {
	at := func(n syntax.Node) recipes.Pos { return s.pos(n.Pos().Line(), n.Pos().Col()) }
	switch n := n.(type) {
	case *syntax.CallExpr:
		c.call(n, at)
	case *syntax.BinaryCmd:
		c.joined(n, at)
	}
}

func (c *checker) call(n *syntax.CallExpr, at func(syntax.Node) recipes.Pos) {
	var words []string
	for _, a := range n.Args {
		words = append(words, literal(a))
		for _, part := range a.Parts {
			if v, ok := part.(*syntax.ParamExp); ok && splits(v) {
				c.add(RuleUnquoted, at(v), fmt.Sprintf("$%s has no quotes", v.Param.Value))
			}
		}
	}
	if len(words) == 0 {
		return
	}
	if slices.Contains([]string{"[[", "source", "pushd", "popd", "shopt"}, words[0]) {
		c.add(RuleShellBash, at(n), words[0]+" is not for sh")
	}
	if words[0] == "cd" && (len(words) == 1 || words[1] == "~") {
		c.add(RuleCdHome, at(n), "cd names no folder")
	}
	c.network(words, at(n))
}

// splits is whether the shell takes what a variable holds apart. Those that
// by custom hold several words are meant to be.
func splits(v *syntax.ParamExp) bool {
	if v.Param == nil || v.Length || strings.ContainsAny(v.Param.Value, "?#$!-@*") {
		return false
	}
	for _, list := range []string{"FLAGS", "OPTS", "ARGS", "LIBS"} {
		if strings.HasSuffix(strings.ToUpper(v.Param.Value), list) {
			return false
		}
	}
	return !slices.Contains([]string{"CC", "CXX", "MAKE"}, v.Param.Value)
}

// literal is a word's text where it is known; else it is empty.
func literal(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(literal(&syntax.Word{Parts: p.Parts}))
		default:
			return ""
		}
	}
	return b.String()
}

func (c *checker) joined(n *syntax.BinaryCmd, at func(syntax.Node) recipes.Pos) {
	left, right := first(n.X), first(n.Y)
	switch {
	case n.Op == syntax.OrStmt && (right == "true" || right == ":"):
		c.add(RuleIgnoredFailure, at(n.Y), "|| "+right+" hides that "+named(left)+" failed")
	case n.Op == syntax.Pipe && slices.Contains([]string{"sh", "bash", "dash"}, right):
		c.add(RulePipeToShell, at(n.Y), named(left)+" is piped into "+right)
	case n.Op == syntax.Pipe && !slices.Contains([]string{"echo", "printf"}, left):
		c.add(RulePipe, at(n.X), "if "+named(left)+" fails, the script goes on")
	}
}

// first is the name of the program that a statement runs, of a pipe the last.
func first(s *syntax.Stmt) string {
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) > 0 {
			return literal(cmd.Args[0])
		}
	case *syntax.BinaryCmd:
		return first(cmd.Y)
	}
	return ""
}

func named(program string) string {
	if program == "" {
		return "the command"
	}
	return program
}
