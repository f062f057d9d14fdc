// Package explain answers what a field, step, source or rule of a recipe is,
// from the recipe's JSON Schema alone: what it says is what editors show. It
// decides nothing about a recipe. Start at [Find].
package explain

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kiln-build/kiln/recipes"
)

// Topic is what there is to say about one thing.
type Topic struct {
	// Title names it, as "step go".
	Title string
	// Text says what it is. It is one paragraph.
	Text string
	// Type is how a field is written; empty for other things.
	Type string
	// Default is what a field is without being given; empty where it has none.
	Default string
	// Fields are those that it has, in the order of the reference.
	Fields []Field
	// Example is a piece of a recipe, as YAML; empty where there is none.
	Example string
}

// Field is a field of a topic.
type Field struct {
	Name, Type, Default, Text string
	Required                  bool
}

// UnknownError is a name that there is nothing to say about.
type UnknownError struct {
	Kind, Name string
	// Names are those there are.
	Names []string
}

// Error names what is not known.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("explaining %s: there is no %s %q", e.Kind, e.Kind, e.Name)
}

// Hint is the name that was probably meant, or all there are.
func (e *UnknownError) Hint() string {
	if near := recipes.Nearest(e.Name, e.Names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "there are " + strings.Join(e.Names, ", ")
}

// Kinds are what Find explains.
func Kinds() []string { return []string{"step", "source", "field", "rule"} }

// Find explains the thing of a kind, one of Kinds, that has the name. The name
// of a field is its path, as "image.user" or "build.steps.go.output". The
// error is an [*UnknownError].
func Find(kind, name string) (Topic, error) { return load().find(kind, name) }

// List is a topic with all that there are of a kind as its fields. The error
// is an [*UnknownError].
func List(kind string) (Topic, error) {
	s := load()
	all := Topic{Title: kind + "s"}
	if !slices.Contains(Kinds(), kind) {
		return all, unknownKind(kind)
	}
	for _, name := range s.names(kind) {
		t, err := s.find(kind, name)
		if err != nil {
			return all, err
		}
		all.Fields = append(all.Fields, Field{Name: name, Text: t.Text})
	}
	return all, nil
}

func (s schema) find(kind, name string) (Topic, error) {
	switch kind {
	case "step":
		return s.oneOf(kind, "build.steps", name)
	case "source":
		return s.oneOf(kind, "sources", name)
	case "rule":
		return s.rule(name)
	case "field":
		return s.field(name)
	}
	return Topic{}, unknownKind(kind)
}

func unknownKind(kind string) error { return &UnknownError{"topic", kind, Kinds()} }

// Names are the names that there are of a kind; of fields, those at the top.
func Names(kind string) []string { return load().names(kind) }

func (s schema) names(kind string) []string {
	switch kind {
	case "step":
		return s.kinds("build.steps")
	case "source":
		return s.kinds("sources")
	case "rule":
		rule, _ := s.walk("allow.rule")
		return append(s.choices(rule), lintRules()...)
	case "field":
		return names(s.root)
	}
	return nil
}

// Recipe explains the recipe as a whole.
func Recipe() Topic {
	s := load()
	return s.topic("recipe", s.root)
}

// oneOf explains one kind of what the list at path holds.
func (s schema) oneOf(kind, path, name string) (Topic, error) {
	all := s.kinds(path)
	if !slices.Contains(all, name) {
		return Topic{}, &UnknownError{kind, name, all}
	}
	n, _ := s.walk(path + "." + name)
	return s.topic(kind+" "+name, n), nil
}

func (s schema) field(path string) (Topic, error) {
	n, err := s.walk(path)
	if err != nil {
		return Topic{}, err
	}
	t := s.topic("field "+path, n)
	t.Type, t.Default = s.typeOf(n), text(member(n, "default"))
	return t, nil
}

func (s schema) rule(name string) (Topic, error) {
	n, _ := s.walk("allow.rule")
	all := s.choices(n)
	i := slices.Index(all, name)
	if i < 0 {
		return lintRule(name, all)
	}
	t := Topic{
		Title: "rule " + name, Text: "about the finished image",
		Example: "allow:\n  - {rule: " + name + ", reason: why this image may}\n",
	}
	if d := describe(n); len(d) == len(all) {
		t.Text = d[i]
	}
	return t, nil
}

// topic describes a mapping's fields, or what n is.
func (s schema) topic(title string, n *yaml.Node) Topic {
	t := Topic{Title: title, Text: text(member(s.target(n), "description"))}
	full := s.mapping(n)
	if full == nil {
		return t
	}
	required := strs(member(full, "required"))
	each(member(full, "properties"), func(name string, f *yaml.Node) {
		t.Fields = append(t.Fields, Field{
			Name: name, Type: s.typeOf(f), Default: text(member(f, "default")),
			Text: text(member(f, "description")), Required: slices.Contains(required, name),
		})
	})
	if examples := member(s.target(n), "examples"); examples != nil && len(examples.Content) > 0 {
		t.Example = examples.Content[0].Value
	}
	return t
}
