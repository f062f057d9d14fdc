package recipes

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// field is a field of a struct that a file may give.
type field struct {
	name    string
	index   []int
	options options
}

func fieldsOf(t reflect.Type) []field {
	var list []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.IsExported() && name != "" && name != "-" {
			list = append(list, field{name, f.Index, optionsOf(f)})
		}
	}
	return list
}

func fieldNamed(t reflect.Type, name string) field {
	for _, f := range fieldsOf(t) {
		if f.name == name {
			return f
		}
	}
	panic("recipes: " + t.String() + " has no field " + name)
}

// scalar decodes text, numbers and truth values.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string, o options) {
	want := map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false"}[v.Kind()]
	if want == "" {
		want = "a whole number"
	}
	if n.Kind != yaml.ScalarNode {
		d.mistake(path, n, "", "%s must be %s, but is %s", path, want, describe(n))
		return
	}
	if v.Kind() == reflect.String {
		d.text(n, v, path, o)
		return
	}
	text, ok := d.expanded(n, path, o)
	if !ok {
		return
	}
	if !setPlain(v, text, n) {
		d.mistake(path, n, "", "%s must be %s, but is %s", path, want, describe(n))
	}
}

// setPlain reports whether text, which n became, is a value for v. A quoted
// number is none.
func setPlain(v reflect.Value, text string, n *yaml.Node) bool {
	if text == n.Value && n.Tag == "!!str" {
		return false
	}
	if v.Kind() == reflect.Bool {
		v.SetBool(text == "true")
		return text == "true" || text == "false"
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v.OverflowInt(i) {
		return false
	}
	v.SetInt(i)
	return true
}

func (d *decoder) text(n *yaml.Node, v reflect.Value, path string, o options) {
	number := n.Tag == "!!int" || n.Tag == "!!float"
	switch {
	case n.Tag == "!!str", n.Tag == "!!timestamp", o.has("scalar"):
	case number && o.has("number") && isCanonical(n.Value):
	case number && o.has("number"):
		d.mistake(path, n, quoteHint(n), "%s is a number that YAML takes for %s", path, readBack(n.Value))
		return
	default:
		d.mistake(path, n, quoteHint(n), "%s must be text, but is %s", path, describe(n))
		return
	}
	if i := strings.IndexFunc(n.Value, isControl); i >= 0 && !o.has("control") {
		d.mistake(path, n, "", "%s holds the control character %q", path, []rune(n.Value[i:])[0])
		return
	}
	if text, ok := d.expanded(n, path, o); ok {
		v.SetString(text)
	}
}

func (d *decoder) expanded(n *yaml.Node, path string, o options) (string, bool) {
	if d.expand == nil || o.has("raw") {
		return n.Value, true
	}
	text, slips := d.expand(n.Value, o.has("shell"))
	for _, s := range slips {
		d.mistake(path, n, s.hint, "%s", s.msg)
	}
	return text, len(slips) == 0
}

func isControl(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
}

// isCanonical reports whether a number is written as programs write it, so
// that 1.10 and 0x10 are not taken for 1.1 and 16.
func isCanonical(s string) bool { return readBack(s) == s }

func readBack(s string) string {
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return "another"
}

func quoteHint(n *yaml.Node) string {
	return "quote it: " + strconv.Quote(n.Value)
}

// describe says what a node is, for people.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + clip(n.Value)
	case n.Tag == "!!bool":
		return n.Value
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("the text %q", clip(n.Value))
}

// userinfo is what a URL has before its host (RFC 3986, section 3.2.1).
var userinfo = regexp.MustCompile(`//[^/\s]*@`)

// clip shortens what a message quotes, and leaves the passwords of URLs out.
func clip(s string) string {
	const most = 60
	s = userinfo.ReplaceAllLiteralString(s, "//…@")
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
