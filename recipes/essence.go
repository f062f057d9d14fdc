package recipes

import (
	"bytes"
	"fmt"
	"slices"

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
func (r *Recipe) Essence() []byte { return bytes.Clone(r.essence) }

func essenceOf(root *yaml.Node) []byte {
	n := *root
	n.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !slices.Contains(aboutFields(), root.Content[i].Value) {
			n.Content = append(n.Content, root.Content[i], root.Content[i+1])
		}
	}
	var b bytes.Buffer
	writeEssence(&b, &n)
	return b.Bytes()
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
