package recipes

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Rewrite returns the recipe's text with other values at these paths, such as
// "version" or "sources[0].archive.sha256", and nothing else changed: comments,
// order, quotes and blank lines stay. What stands there must be text in one
// line. The result is a recipe that has been checked, or it is an error.
func (r *Recipe) Rewrite(values map[string]string) ([]byte, error) {
	ps := &problems{file: r.File}
	root := parseYAML(ps, r.Raw)
	if root == nil {
		return nil, ps.err()
	}
	var spots []spot
	for path, value := range values {
		s, err := spotOf(r.Raw, nodeAt(root, path), value)
		if err != nil {
			return nil, fmt.Errorf("rewriting %s of %s: %w", path, r.File, err)
		}
		spots = append(spots, s)
	}
	slices.SortFunc(spots, func(a, b spot) int { return cmp.Compare(b.from, a.from) })
	text := slices.Clone(r.Raw)
	for _, s := range spots {
		text = slices.Replace(text, s.from, s.to, []byte(s.text)...)
	}
	if _, err := ParseVariant(r.File, r.Variant, text); err != nil {
		return nil, err
	}
	return text, nil
}

// PathOf is where the file of r says what a path of r does, for [Recipe.Rewrite]:
// below the variant where that says it itself.
func (r *Recipe) PathOf(path string) string {
	if r.Variant == "" {
		return path
	}
	own := "variants." + r.Variant + "." + path
	if nodeAt(parseYAML(&problems{}, r.Raw), own) == nil {
		return path
	}
	return own
}

// spot is what to put in the place of some bytes.
type spot struct {
	from, to int
	text     string
}

// nodeAt is the node at a path, or nil.
func nodeAt(n *yaml.Node, path string) *yaml.Node {
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		if n == nil {
			return nil
		}
		i, err := strconv.Atoi(name)
		switch {
		case n.Kind == yaml.SequenceNode && err == nil && i < len(n.Content):
			n = n.Content[i]
		case n.Kind == yaml.MappingNode:
			n = valueOf(n, name)
		default:
			return nil
		}
	}
	return n
}

func valueOf(n *yaml.Node, name string) (found *yaml.Node) {
	each(n, func(key string, value *yaml.Node) {
		if key == name {
			found = value
		}
	})
	return found
}

// spotOf finds the bytes of a scalar, and what they become.
func spotOf(raw []byte, n *yaml.Node, value string) (spot, error) {
	if n == nil || n.Kind != yaml.ScalarNode {
		return spot{}, fmt.Errorf("there is no text")
	}
	from := offset(raw, at(n))
	quote := map[yaml.Style]string{yaml.DoubleQuotedStyle: `"`, yaml.SingleQuotedStyle: "'"}[n.Style]
	old := quote + n.Value + quote
	if !bytes.HasPrefix(raw[from:], []byte(old)) {
		return spot{}, fmt.Errorf("the text is written in a way that kiln cannot change; write it in one line and plainly")
	}
	if quote == "" && !plainly(value) {
		quote = `"`
	}
	return spot{from, from + len(old), quote + value + quote}, nil
}

// plainly reports whether a value needs no quotes: it is text, or a number that
// means what is written.
func plainly(value string) bool {
	var n yaml.Node
	if yaml.Unmarshal([]byte(value), &n) != nil || len(n.Content) != 1 || n.Content[0].Value != value {
		return false
	}
	switch n.Content[0].Tag {
	case "!!str":
		return n.Content[0].Style == 0
	case "!!int":
		i, err := strconv.Atoi(value)
		return err == nil && strconv.Itoa(i) == value
	case "!!float":
		f, err := strconv.ParseFloat(value, 64)
		return err == nil && strconv.FormatFloat(f, 'f', -1, 64) == value
	}
	return false
}

// offset is where a place is in the text.
func offset(raw []byte, p Pos) int {
	at := 0
	for range p.Line - 1 {
		at += bytes.IndexByte(raw[at:], '\n') + 1
	}
	for range p.Col - 1 {
		_, n := utf8.DecodeRune(raw[at:])
		at += n
	}
	return at
}
