package recipes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// aboutFields are fields of a recipe that are for people and catalogs: they
// reach neither a build nor an image.
func aboutFields() []string {
	return []string{"description", "categories", "upstream", "owners", "eol", "update", "variants"}
}

// Essence is what of the recipe's text an image is made from: all but comments,
// the way it is written, what is for people and catalogs, and what its other
// variants say. It is for comparing and hashing, and the same for all recipes
// that make the same image of the same lock.
func (r *Recipe) Essence() []byte {
	var b bytes.Buffer
	writeEssence(&b, r.essence)
	return b.Bytes()
}

// FieldChange is a field of which two recipes say something else; a side that
// says nothing is empty.
type FieldChange struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Changes are what of the essence of r is otherwise in was, in the order of r's
// file, and what only was has after it.
func (r *Recipe) Changes(was *Recipe) []FieldChange {
	old, oldPaths := leavesOf(was.essence)
	now, paths := leavesOf(r.essence)
	var list []FieldChange
	for _, p := range append(paths, oldPaths...) {
		if from, to := old[p], now[p]; from != to {
			list = append(list, FieldChange{Path: p, From: clip(from), To: clip(to)})
			old[p] = to
		}
	}
	return list
}

// leavesOf are the values below n by their paths, and the paths in their order.
func leavesOf(n *yaml.Node) (leaves map[string]string, paths []string) {
	leaves = map[string]string{}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch {
		case n.Kind == yaml.MappingNode && len(n.Content) > 0:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], join(path, n.Content[i].Value))
			}
			return
		case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
			for i, c := range n.Content {
				walk(c, index(path, i))
			}
			return
		}
		text := n.Value
		if n.Kind != yaml.ScalarNode {
			text = map[yaml.Kind]string{yaml.MappingNode: "{}", yaml.SequenceNode: "[]"}[n.Kind]
		}
		leaves[path], paths = strings.TrimSpace(text+" "+strings.TrimPrefix(n.Tag, "!!str")), append(paths, path)
	}
	walk(n, "")
	return leaves, paths
}

func essenceOf(root *yaml.Node) *yaml.Node {
	n := *root
	n.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !slices.Contains(aboutFields(), root.Content[i].Value) {
			n.Content = append(n.Content, root.Content[i], root.Content[i+1])
		}
	}
	return &n
}

// writeEssence writes a node so that no two trees give the same text.
func writeEssence(b *bytes.Buffer, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		fmt.Fprintf(b, "%s %q\n", n.Tag, n.Value)
		return
	}
	fmt.Fprintf(b, "%s %d\n", n.Tag, len(n.Content))
	for _, c := range n.Content {
		writeEssence(b, c)
	}
}
