package explain

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// member is the value that the mapping n has under name, or nil.
func member(n *yaml.Node, name string) *yaml.Node {
	var found *yaml.Node
	each(n, func(key string, value *yaml.Node) {
		if key == name {
			found = value
		}
	})
	return found
}

func each(n *yaml.Node, f func(name string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i].Value, n.Content[i+1])
	}
}

func list(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// strs are the texts of a list, or the one text that n is.
func strs(n *yaml.Node) []string {
	if n != nil && n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var all []string
	for _, c := range list(n) {
		all = append(all, c.Value)
	}
	return all
}

// text is a value as a recipe would have it in one line.
func text(n *yaml.Node) string {
	if n != nil && n.Kind == yaml.SequenceNode {
		return "[" + strings.Join(strs(n), ", ") + "]"
	}
	if n == nil {
		return ""
	}
	return n.Value
}

// names are the fields of a mapping's schema.
func names(n *yaml.Node) []string {
	var all []string
	each(member(n, "properties"), func(name string, _ *yaml.Node) { all = append(all, name) })
	return all
}
