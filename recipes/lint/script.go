package lint

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/kiln-build/kiln/recipes"
)

// script is a shell script of a recipe.
type script struct {
	// text is what the recipe has, with placeholders of the same length for
	// what kiln substitutes.
	text string
	// lines is the recipe's text, node where the script stands in it.
	lines []string
	node  *yaml.Node
}

func (c *checker) scripts() {
	var doc yaml.Node
	if err := yaml.Unmarshal(c.Recipe.Raw, &doc); err != nil {
		return // it has been loaded before
	}
	lines := strings.Split(string(c.Recipe.Raw), "\n")
	for i, s := range c.Recipe.Build.Steps {
		at := fmt.Sprintf("build.steps[%d].%s", i, s.Kind())
		var command []string
		switch {
		case s.Run != nil:
			command = s.Run.Command
			c.online = false
		case s.Fetch != nil:
			command = s.Fetch.Command
			c.online = true
		default:
			continue
		}
		if len(command) > 0 {
			c.network(command, c.Recipe.Pos(at+".command[0]"))
			continue
		}
		if n := nodeAt(&doc, c.Recipe.Pos(at+".script")); n != nil {
			c.script(script{text: substitution.ReplaceAllStringFunc(n.Value, placeholder), lines: lines, node: n})
		}
	}
}

var substitution = regexp.MustCompile(`\$\{(version|vars\.[^{}]*)\}`)

func placeholder(s string) string { return strings.Repeat("x", len(s)) }

// nodeAt is the scalar that begins at a place.
func nodeAt(n *yaml.Node, at recipes.Pos) *yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Line == at.Line && n.Column == at.Col {
		return n
	}
	for _, c := range n.Content {
		if found := nodeAt(c, at); found != nil {
			return found
		}
	}
	return nil
}

// pos is the place in the recipe of a line and column (in bytes, from 1) of
// the script. Where YAML folds lines or has escapes, it is the script's own.
func (s script) pos(line, col uint) recipes.Pos {
	start := recipes.Pos{Line: s.node.Line, Col: s.node.Column}
	own := strings.Split(s.node.Value, "\n")
	if line == 0 || int(line) > len(own) {
		return start
	}
	text, at := own[line-1], start.Line-1
	if s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		at += int(line)
	}
	if at >= len(s.lines) || s.node.Style&yaml.LiteralStyle == 0 && len(own) > 1 {
		return start
	}
	begins := strings.Index(s.lines[at], text)
	if begins < 0 || int(col) > len(text)+1 {
		return start
	}
	return recipes.Pos{Line: at + 1, Col: utf8.RuneCountInString(s.lines[at][:begins+int(col)-1]) + 1}
}
