package explain

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kiln-build/kiln/recipes"
)

// schema is the recipe's JSON Schema as a YAML tree, which keeps its order.
type schema struct{ root, definitions *yaml.Node }

func load() schema {
	var doc yaml.Node
	if err := yaml.Unmarshal(recipes.Schema(), &doc); err != nil {
		panic("explain: the schema that kiln is built with: " + err.Error()) // a test reads it too
	}
	root := doc.Content[0]
	return schema{root, member(root, "definitions")}
}

// target follows a reference.
func (s schema) target(n *yaml.Node) *yaml.Node {
	if ref := text(member(n, "$ref")); ref != "" {
		return member(s.definitions, strings.TrimPrefix(ref, "#/definitions/"))
	}
	return n
}

// mapping is the form of n that has properties, or nil.
func (s schema) mapping(n *yaml.Node) *yaml.Node {
	n = s.target(n)
	switch {
	case member(n, "properties") != nil:
		return n
	case member(n, "items") != nil:
		return s.mapping(member(n, "items"))
	}
	for _, form := range list(member(n, "anyOf")) {
		if m := s.mapping(form); m != nil {
			return m
		}
	}
	return nil
}

// walk is the node of the field at path, which may have list indices.
func (s schema) walk(path string) (*yaml.Node, error) {
	n := s.root
	for _, name := range strings.Split(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		m := s.mapping(n)
		if m == nil {
			return nil, &UnknownError{"field", path, names(s.root)}
		}
		next := member(member(m, "properties"), name)
		if next == nil {
			return nil, &UnknownError{"field", path, s.paths(path, name, m)}
		}
		n = next
	}
	return n, nil
}

// paths are what path could have been, with another name at this level.
func (s schema) paths(path, name string, level *yaml.Node) []string {
	before, after, _ := strings.Cut("."+path+".", "."+name+".")
	var all []string
	for _, n := range names(level) {
		all = append(all, strings.Trim(before+"."+n+"."+after, "."))
	}
	return all
}

// kinds are the fields of the list at path of which one is given.
func (s schema) kinds(path string) []string {
	n, err := s.walk(path)
	if err != nil {
		return nil
	}
	var all []string
	for _, form := range list(member(s.mapping(n), "oneOf")) {
		all = append(all, strs(member(form, "required"))...)
	}
	return all
}

// choices are the values that n may have.
func (s schema) choices(n *yaml.Node) []string {
	n = s.target(n)
	if enum := strs(member(n, "enum")); enum != nil {
		return enum
	}
	for _, form := range append(list(member(n, "anyOf")), member(n, "items")) {
		if form == nil {
			continue
		}
		if enum := s.choices(form); enum != nil {
			return enum
		}
	}
	return nil
}

// describe is what the schema says about each of the choices of n.
func describe(n *yaml.Node) []string {
	for _, form := range append(list(member(n, "anyOf")), n) {
		if d := strs(member(form, "enumDescriptions")); d != nil {
			return d
		}
	}
	return nil
}

// typeOf is how n is written, in words.
func (s schema) typeOf(n *yaml.Node) string {
	n = s.target(n)
	if enum := s.choices(n); enum != nil && member(n, "type") != nil && member(n, "items") == nil {
		return "one of " + strings.Join(enum, ", ") + others(n)
	}
	switch kinds := strs(member(n, "type")); {
	case slices.Equal(kinds, []string{"array"}):
		return "list of: " + s.typeOf(member(n, "items"))
	case slices.Equal(kinds, []string{"object"}) && member(n, "properties") == nil:
		return "names with: " + s.typeOf(member(n, "additionalProperties"))
	case kinds != nil:
		return words(kinds)
	}
	forms := []string{}
	if all := list(member(n, "anyOf")); len(all) == 2 && member(all[0], "items") != nil && text(member(all[1], "type")) != "object" {
		if item := s.typeOf(all[1]); s.typeOf(all[0]) == "list of: "+item {
			return "one or a list of: " + item
		}
	}
	for _, form := range list(member(n, "anyOf")) {
		if w := s.typeOf(form); !slices.Contains(forms, w) && !strings.Contains(text(member(form, "pattern")), `\$\{`) {
			forms = append(forms, w)
		}
	}
	return strings.Join(forms, ", or ")
}

// others says whether a text may be something else than one of its choices.
func others(n *yaml.Node) string {
	for _, form := range list(member(n, "anyOf")) {
		if p := text(member(form, "pattern")); p != "" && !strings.HasPrefix(p, `\$\{`) {
			return ", alone or as described"
		}
	}
	return ""
}

func words(kinds []string) string {
	names := map[string]string{
		"string": "text", "boolean": "true or false", "integer": "whole number", "object": "fields",
	}
	var all []string
	for _, k := range kinds {
		if w, ok := names[k]; ok {
			k = w
		}
		all = append(all, k)
	}
	return strings.Join(all, ", ")
}
