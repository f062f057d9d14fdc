package recipes

import (
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Variants are the names of a recipe's variants, in the order of the file. In
// YAML they are a mapping from each name to the fields that differ: mappings
// are merged key by key, anything else takes the place of what the recipe has,
// and null takes it out.
type Variants []string

// maxVariants bounds how often a recipe is decoded.
const maxVariants = 16

// AllVariants stands for the recipe and all its variants where one is named.
const AllVariants = "all"

// variant is one entry of `variants`.
type variant struct {
	name string
	at   Pos
	node *yaml.Node
}

// takeVariants takes `variants` out of a recipe's root.
func takeVariants(ps *problems, root *yaml.Node) ([]variant, Pos) {
	var list []variant
	var where Pos
	if root.Kind != yaml.MappingNode {
		return nil, where
	}
	var others []*yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Value != "variants":
			others = append(others, key, value)
		case where != Pos{}:
			ps.add(at(key), "the first is in line "+strconv.Itoa(where.Line), "variants is given twice")
		default:
			where = at(key)
			list = readVariants(ps, value)
		}
	}
	root.Content = others
	return list, where
}

func readVariants(ps *problems, n *yaml.Node) []variant {
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		ps.add(at(n), "name one, or take it out", "variants is empty")
		return nil
	}
	if n.Kind != yaml.MappingNode {
		ps.add(at(n), "write it as `NAME: {the fields that differ}`, or take it out", "variants must be a mapping, but is %s", describe(n))
		return nil
	}
	var list []variant
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, fields := n.Content[i], n.Content[i+1]
		v := variant{key.Value, at(key), fields}
		switch {
		case !variantForm.MatchString(v.name) || len(v.name) > 32 || v.name == AllVariants:
			ps.add(v.at, "it becomes a part of tags and file names: use a-z and 0-9, with single dashes between, and not `all`",
				"%q cannot be the name of a variant", clip(v.name))
		case slices.ContainsFunc(list, func(o variant) bool { return o.name == v.name }):
			ps.add(v.at, "", "variants.%s is given twice", v.name)
		case fields.Kind != yaml.MappingNode:
			ps.add(at(fields), "name the fields that differ, as in a recipe", "variants.%s must be a mapping, but is %s", v.name, describe(fields))
		case len(list) == maxVariants:
			ps.add(v.at, "write a recipe of its own", "there are more than %d variants", maxVariants)
			return list
		default:
			list = append(list, v)
		}
	}
	return list
}

// over is the recipe's root with the fields of the variant. Every node keeps
// its place in the file.
func (v variant) over(ps *problems, root *yaml.Node) *yaml.Node {
	fields := *v.node
	fields.Content = nil
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if slices.Contains([]string{"kiln", "name", "update", "variants"}, key.Value) {
			ps.add(at(key), "leave it out; another service is a recipe of its own", "a variant cannot change %s", key.Value)
			continue
		}
		fields.Content = append(fields.Content, key, v.node.Content[i+1])
	}
	merged := merge(ps, "variants."+v.name, root, &fields)
	if equal(merged, root) {
		ps.add(v.at, "name a field that differs, or take it out", "variants.%s is the same as the recipe itself", v.name)
	}
	return merged
}

// merge lays the mapping over on the mapping base. What over has twice stays
// there twice, for the decoder to refuse.
func merge(ps *problems, path string, base, over *yaml.Node) *yaml.Node {
	out := *base
	out.Content = slices.Clone(base.Content)
	seen := map[string]bool{}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := keyIndex(&out, key)
		switch isNull := value.Kind == yaml.ScalarNode && value.Tag == "!!null"; {
		case key.Kind == yaml.ScalarNode && seen[key.Value], at < 0 && !isNull:
			out.Content = append(out.Content, key, value)
		case isNull && at < 0:
			ps.add(Pos{key.Line, key.Column}, "leave it out", "%s takes out what the recipe does not have", join(path, key.Value))
		case isNull:
			out.Content = slices.Delete(out.Content, at, at+2)
		default:
			if old := out.Content[at+1]; old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
				value = merge(ps, join(path, key.Value), old, value)
			}
			out.Content[at], out.Content[at+1] = key, value
		}
		seen[key.Value] = true
	}
	return &out
}

// keyIndex is where the mapping n has the key, or -1.
func keyIndex(n, key *yaml.Node) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && key.Kind == yaml.ScalarNode && k.Value == key.Value {
			return i
		}
	}
	return -1
}

// equal reports whether two nodes say the same, in mappings in any order.
func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Tag != b.Tag || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind != yaml.MappingNode {
		return slices.EqualFunc(a.Content, b.Content, equal)
	}
	for i := 0; i+1 < len(a.Content); i += 2 {
		j := keyIndex(b, a.Content[i])
		if j < 0 || !equal(a.Content[i+1], b.Content[j+1]) {
			return false
		}
	}
	return true
}

// unknownVariant is about a variant that was asked for and is not there.
func unknownVariant(ps *problems, where Pos, name string, have Variants) {
	h := "the recipe has no `variants`"
	if len(have) > 0 {
		h = hint(name, "variants", have)
	}
	ps.add(Pos{max(where.Line, 1), max(where.Col, 1)}, h, "there is no variant %s", strconv.Quote(clip(name)))
}
