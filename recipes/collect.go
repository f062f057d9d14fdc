package recipes

import (
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// pairs calls f for each key and value of the mapping n, except for keys that
// are no text or were there before. It returns the keys.
func (d *decoder) pairs(n *yaml.Node, path string, f func(key, value *yaml.Node)) map[string]bool {
	lines := map[string]int{}
	found := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.mistake(path, key, "", "a name must be text, but is %s", describe(key))
			continue
		case found[key.Value]:
			d.mistake(join(path, key.Value), key, "the first is in line "+strconv.Itoa(lines[key.Value]),
				"%s is given twice", join(path, key.Value))
			continue
		}
		found[key.Value], lines[key.Value] = true, key.Line
		f(key, n.Content[i+1])
	}
	return found
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, o options) {
	structs := v.Type().Elem().Kind() == reflect.Struct
	if o.has("single") && (n.Kind == yaml.ScalarNode || n.Kind == yaml.MappingNode && structs) {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}, Line: n.Line, Column: n.Column}
	}
	if n.Kind != yaml.SequenceNode {
		d.mistake(path, n, listHint(n), "%s must be a list, but is %s", path, describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.value(c, v.Index(i), path+"["+strconv.Itoa(i)+"]", o)
	}
}

func listHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !strings.ContainsAny(n.Value, "\n,[]{}\"'") && !userinfo.MatchString(n.Value) {
		return "write [" + n.Value + "]"
	}
	return "begin each item with `- `"
}

func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, path string, o options) {
	if n.Kind != yaml.MappingNode {
		d.mistake(path, n, "write it as `NAME: value`", "%s must be a mapping, but is %s", path, describe(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key, value *yaml.Node) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(value, e, join(path, key.Value), o)
		d.where[join(path, key.Value)] = at(key)
		v.SetMapIndex(reflect.ValueOf(key.Value), e)
	})
}
