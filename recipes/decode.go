package recipes

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder fills a struct from a YAML node tree, by the `yaml:` tags of its
// fields. Where yaml.v3's own stops at wrong types of the first kind that it
// meets, this one goes on and gathers every mistake with its place.
//
// The `kiln:` tag of a field holds, separated by commas:
//
//	required  the field must be there and not be empty
//	single    one value stands for a list of it
//	scalar    numbers and truth values are taken as text, as they are written
//	number    so are numbers, if they mean the same as the text
//	shell     ${…} that kiln does not know is left to whoever runs the text
//	raw       nothing is substituted
//	control   control characters are text like others
type decoder struct {
	problems
	// expand substitutes ${…}; nil leaves text as it is.
	expand func(text string, shell bool) (string, []slip)
	// where has the place of each value by its path, as "sources[0].go".
	where map[string]Pos
	// wrong has the paths at which something is the matter already.
	wrong map[string]bool
	// fields has those of each struct that was met: a lock has one type a
	// thousand times.
	fields map[reflect.Type][]field
}

// slip is a mistake within a text.
type slip struct{ msg, hint string }

// shorthand is a struct that may be written as one of its fields alone.
type shorthand interface {
	// short is the yaml name of the field that a node of this kind is, or "".
	short(yaml.Kind) string
}

// named is a struct whose fields are called something else than fields.
type named interface{ noun() string }

func newDecoder(file string) *decoder {
	return &decoder{
		problems: problems{file: file},
		where:    map[string]Pos{},
		wrong:    map[string]bool{},
		fields:   map[reflect.Type][]field{},
	}
}

// mistake adds a problem with the value at path.
func (d *decoder) mistake(path string, n *yaml.Node, hint, format string, args ...any) {
	d.wrong[path] = true
	d.add(at(n), hint, format, args...)
}

// options are the words of a `kiln:` tag.
type options []string

func optionsOf(f reflect.StructField) options {
	return strings.Split(f.Tag.Get("kiln"), ",")
}

func (o options) has(word string) bool { return slices.Contains(o, word) }

// value decodes n into v. The path is the one in `where` and in messages.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, o options) {
	d.where[path] = at(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.mistake(path, n, nullHint(v, o), "%s has no value", path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, o)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		d.list(n, v, path, o)
	case reflect.Map:
		d.dictionary(n, v, path, o)
	default:
		d.scalar(n, v, path, o)
	}
}

func nullHint(v reflect.Value, o options) string {
	if o.has("required") {
		return "give it one"
	}
	if v.Kind() == reflect.String {
		return `give it one, or take it out; an empty text is written ""`
	}
	return "give it one, or take it out"
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if p := v.FieldByName("Pos"); p.IsValid() && p.Type() == reflect.TypeFor[Pos]() {
		p.Set(reflect.ValueOf(at(n)))
	}
	if n.Kind != yaml.MappingNode {
		d.shortened(n, v, path)
		return
	}
	known, ok := d.fields[v.Type()]
	if !ok {
		known = fieldsOf(v.Type())
		d.fields[v.Type()] = known
	}
	found := d.pairs(n, path, func(key, value *yaml.Node) {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			d.unknown(key, v, path, known)
			return
		}
		d.value(value, v.FieldByIndex(known[i].index), join(path, key.Value), known[i].options)
	})
	for _, f := range known {
		if f.options.has("required") {
			d.require(n, v.FieldByIndex(f.index), path, f.name, found[f.name])
		}
	}
}

func (d *decoder) shortened(n *yaml.Node, v reflect.Value, path string) {
	if s, ok := v.Interface().(shorthand); ok {
		if name := s.short(n.Kind); name != "" {
			f := fieldNamed(v.Type(), name)
			d.value(n, v.FieldByIndex(f.index), join(path, name), f.options)
			return
		}
	}
	fields := fieldsOf(v.Type())
	what := path
	if what == "" {
		what = "the file"
	}
	d.mistake(path, n, "write it as `"+fields[0].name+": …`, in a mapping",
		"%s must be a mapping, but is %s", what, describe(n))
}

func (d *decoder) unknown(key *yaml.Node, v reflect.Value, path string, known []field) {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	noun := "field"
	if s, ok := v.Interface().(named); ok {
		noun = s.noun()
	}
	near := Nearest(key.Value, names)
	d.wrong[join(path, near)] = true // what was meant is not missing as well
	d.wrong[join(path, "?")] = true
	d.add(at(key), explained(path, noun, near, hint(key.Value, noun+"s", names)), "unknown %s %q", noun, key.Value)
}

// stepPath is the path of a step or source, with its kind.
var stepPath = regexp.MustCompile(`^(build\.step|source)s\[\d+\]\.([a-z]+)$`)

// explained is a hint about the name of a step, of a source, or of a field of
// these, with where to read more.
func explained(path, noun, near, hint string) string {
	m := stepPath.FindStringSubmatch(path)
	if !strings.HasSuffix(hint, "?") {
		hint += ";"
	}
	switch {
	case m != nil:
		return fmt.Sprintf("%s `kiln explain %s %s` shows all fields", hint, strings.TrimPrefix(m[1], "build."), m[2])
	case noun != "field" && near != "":
		return fmt.Sprintf("%s `kiln explain %s %s` shows its fields", hint, noun, near)
	}
	return strings.TrimSuffix(hint, ";")
}

func (d *decoder) require(n *yaml.Node, v reflect.Value, path, name string, found bool) {
	full := join(path, name)
	if d.wrong[full] {
		return
	}
	if !found {
		d.mistake(full, n, "", "%s is missing", full)
		return
	}
	k := v.Kind()
	if (k == reflect.Slice || k == reflect.Map || k == reflect.String) && v.Len() == 0 {
		d.wrong[full] = true
		d.add(d.where[full], "", "%s is empty", full)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
