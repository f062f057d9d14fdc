package recipes

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, m := range o {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		for j, v := range []any{m.name, m.value} {
			if j == 1 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, err
			}
		}
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaMaker writes the schema of the types that the decoder fills, as the
// decoder fills them.
type schemaMaker struct {
	docs     docs
	defaults map[string]any
	examples map[string]string
	types    []reflect.Type // in the order met, each once
	fixed    bool           // nothing is substituted
}

func makeSchema(t *testing.T) []byte { return schemaOf(t, reflect.TypeFor[Recipe](), "kiln recipe") }

// schemaOf is the schema of a file that holds the type.
func schemaOf(t *testing.T, root reflect.Type, title string) []byte {
	m := &schemaMaker{docs: readDocs(t), defaults: map[string]any{}, examples: map[string]string{}, fixed: true}
	if root == reflect.TypeFor[Recipe]() {
		m = &schemaMaker{docs: m.docs, defaults: defaultsOf(), examples: readExamples(t)}
	}
	s := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"title", title},
		{"description", m.docs.ofType(t, root)},
	}
	s = append(s, m.structure(t, root)...)
	var defs object
	for i := 0; i < len(m.types); i++ { // grows on the way
		typ := m.types[i]
		def := object{{"description", m.docs.ofType(t, typ)}}
		if e := cmp.Or(m.docs.example(typ), m.examples[typ.Name()]); e != "" {
			def = append(def, member{"examples", []any{e}})
		}
		defs = append(defs, member{typ.Name(), append(def, m.written(t, typ)...)})
	}
	s = append(s, member{"definitions", defs})
	e := &bytes.Buffer{}
	enc := json.NewEncoder(e)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return e.Bytes()
}

// written are the forms that a struct may be written in: the mapping, and its
// shorthands.
func (m *schemaMaker) written(t *testing.T, typ reflect.Type) object {
	full := m.structure(t, typ)
	s, ok := reflect.Zero(typ).Interface().(shorthand)
	if !ok {
		return full
	}
	forms := []any{full}
	for _, k := range []yaml.Kind{yaml.ScalarNode, yaml.SequenceNode} {
		if name := s.short(k); name != "" {
			f := fieldNamed(typ, name)
			forms = append(forms, m.value(typ.FieldByIndex(f.index).Type, f.options, typ.Name()+"."+typ.FieldByIndex(f.index).Name))
		}
	}
	return object{{"anyOf", forms}}
}

func (m *schemaMaker) structure(t *testing.T, typ reflect.Type) object {
	var properties, required = object{}, []string{}
	for _, f := range fieldsOf(typ) {
		sf := typ.FieldByIndex(f.index)
		id := typ.Name() + "." + sf.Name
		p := object{{"description", m.docs.ofField(t, typ, sf)}}
		p = append(p, m.value(sf.Type, f.options, id)...)
		if d, ok := m.defaults[id]; ok {
			p = append(p, member{"default", d})
		}
		properties = append(properties, member{f.name, p})
		if f.options.has("required") {
			required = append(required, f.name)
		}
	}
	s := object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	if kinds := kindFields(typ); len(kinds) > 0 {
		s = append(s, member{"oneOf", requireEach(kinds)})
	}
	return append(s, furtherForms(typ.Name())...)
}

// variants is the schema of fields that differ from the recipe's: nothing must
// be there, and null takes a field out.
func (m *schemaMaker) variants() object {
	return object{
		{"type", "object"}, {"minProperties", 1}, {"maxProperties", maxVariants},
		{"propertyNames", object{{"pattern", variantForm.String()}, {"maxLength", 32}, {"not", object{{"const", AllVariants}}}}},
		{"additionalProperties", append(m.partial(reflect.TypeFor[Recipe](), "kiln", "name", "update", "variants"), member{"minProperties", 1})},
	}
}

func (m *schemaMaker) partial(typ reflect.Type, without ...string) object {
	var properties object
	for _, f := range fieldsOf(typ) {
		if slices.Contains(without, f.name) {
			continue
		}
		sf := typ.FieldByIndex(f.index)
		o := slices.DeleteFunc(slices.Clone(f.options), func(w string) bool { return w == "required" })
		var s object
		if sf.Type.Kind() == reflect.Struct {
			s = m.partial(sf.Type)
		} else {
			s = m.value(sf.Type, o, typ.Name()+"."+sf.Name)
		}
		properties = append(properties, member{f.name, object{{"anyOf", []any{s, object{{"type", "null"}}}}}})
	}
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
}

// kindFields are the fields of a source or step that make it one of a kind:
// exactly one of them is given.
func kindFields(typ reflect.Type) []string {
	var list []string
	for _, f := range fieldsOf(typ) {
		v := reflect.New(typ).Elem()
		set := v.FieldByIndex(f.index)
		switch set.Kind() {
		case reflect.Pointer:
			set.Set(reflect.New(set.Type().Elem()))
		case reflect.String:
			set.SetString("x")
		case reflect.Slice:
			set.Set(reflect.MakeSlice(set.Type(), 1, 1))
		}
		k, ok := v.Interface().(interface{ kinds() []string })
		if ok && slices.Contains(k.kinds(), f.name) {
			list = append(list, f.name)
		}
	}
	return list
}

func requireEach(names []string) []any {
	var list []any
	for _, n := range names {
		list = append(list, object{{"required", []string{n}}})
	}
	return list
}

// value is the schema of a field of the type. The id names the field, as
// "GoStep.Output"; items and values of it have the same.
func (m *schemaMaker) value(typ reflect.Type, o options, id string) object {
	if typ == reflect.TypeFor[Variants]() {
		return m.variants()
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return m.value(typ.Elem(), o, id)
	case reflect.Struct:
		if !slices.Contains(m.types, typ) {
			m.types = append(m.types, typ)
		}
		return object{{"$ref", "#/definitions/" + typ.Name()}}
	case reflect.Slice:
		item := m.value(typ.Elem(), slices.DeleteFunc(slices.Clone(o), func(w string) bool { return w == "required" }), id)
		list := object{{"type", "array"}, {"items", item}}
		if o.has("required") {
			list = append(list, member{"minItems", 1})
		}
		list = append(list, lengthOf(id)...)
		if o.has("single") {
			return object{{"anyOf", []any{list, item}}}
		}
		return list
	case reflect.Map:
		return append(object{{"type", "object"}, {"additionalProperties", m.value(typ.Elem(), o, id)}}, namesOf(id)...)
	case reflect.Bool:
		return m.orSubstituted(object{{"type", "boolean"}})
	case reflect.String:
		return m.text(o, id)
	}
	return m.orSubstituted(append(object{{"type", "integer"}}, bounds(id)...))
}

// substituted is what a text that needs substitution matches.
const substituted = `\$\{(version|vars\.[^{}]*)\}`

func (m *schemaMaker) orSubstituted(s object) object {
	if m.fixed {
		return s
	}
	return object{{"anyOf", []any{s, object{{"type", "string"}, {"pattern", substituted}}}}}
}

func (m *schemaMaker) text(o options, id string) object {
	var s object
	switch {
	case o.has("scalar"):
		s = object{{"type", []string{"string", "number", "boolean"}}}
	case o.has("number"):
		s = object{{"type", []string{"string", "number"}}}
	default:
		s = object{{"type", "string"}}
	}
	if o.has("required") {
		s = append(s, member{"minLength", 1})
	}
	form := formOf(id)
	if form.enum != nil {
		choice := object{{"enum", form.enum}}
		if d := m.docs.ofValues(form.enum); d != nil {
			choice = append(choice, member{"enumDescriptions", d})
		}
		others := []any{choice}
		if !m.fixed {
			others = append(others, object{{"pattern", substituted}})
		}
		if form.pattern != "" {
			others = append(others, object{{"pattern", form.pattern}})
		}
		return append(s, member{"anyOf", others})
	}
	if form.pattern != "" && !o.has("raw") && !m.fixed {
		form.pattern += "|" + substituted
	}
	if form.pattern != "" {
		s = append(s, member{"pattern", form.pattern})
	}
	return append(s, bounds(id)...)
}

// defaultsOf are the values that fillDefaults gives to what is left out, by
// type and field. Nothing here names a field: each kind of step is tried.
func defaultsOf() map[string]any {
	found := map[string]any{}
	step := reflect.TypeFor[Step]()
	for _, kind := range append(kindFields(step), "") {
		r := &Recipe{}
		if kind != "" {
			s := reflect.New(step).Elem()
			p := s.FieldByIndex(fieldNamed(step, kind).index)
			if p.Kind() != reflect.Pointer {
				continue
			}
			p.Set(reflect.New(p.Type().Elem()))
			r.Build.Steps = []Step{s.Interface().(Step)}
		}
		fillDefaults(r)
		collectDefaults(reflect.ValueOf(*r), found)
	}
	return found
}

func collectDefaults(v reflect.Value, found map[string]any) {
	for _, f := range fieldsOf(v.Type()) {
		x := v.FieldByIndex(f.index)
		id := v.Type().Name() + "." + v.Type().FieldByIndex(f.index).Name
		if x.Kind() == reflect.Pointer && !x.IsNil() {
			x = x.Elem()
			if x.Kind() == reflect.Bool {
				found[id] = x.Bool()
			}
		}
		switch {
		case x.Kind() == reflect.Struct:
			collectDefaults(x, found)
		case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.Struct:
			for i := range x.Len() {
				collectDefaults(x.Index(i), found)
			}
		case x.Kind() == reflect.Slice && x.Len() > 0, x.Kind() == reflect.String && x.Len() > 0:
			found[id] = x.Interface()
		}
	}
}

// short is the type's name without what it is: Go for GoStep.
func shortName(typ reflect.Type) string {
	n := strings.TrimSuffix(typ.Name(), "Step")
	return strings.ToLower(strings.TrimSuffix(n, "Source"))
}
