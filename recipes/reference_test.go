package recipes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestConfigSchema compares config.schema.json with what the types say now.
// `go test ./recipes -run TestConfigSchema -update` writes it anew.
func TestConfigSchema(t *testing.T) {
	raw := schemaOf(t, reflect.TypeFor[Config](), "kiln.yaml")
	golden(t, "config.schema.json", string(raw))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"catalog/kiln.yaml", "../cmd/kiln/catalog.yaml"}
	for _, file := range files {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(plain(parseYAML(&problems{}, text))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, wrong := range []string{
		"kiln: v2", "catalog: {}", "kiln: v1\ncatalog: {repository: x, tags: [newest]}", "kiln: v1\nnetwork: {dns: x}",
		"kiln: v1\npolicy: {identities: [{keys: x}]}",
	} {
		if err := s.Validate(plain(parseYAML(&problems{}, []byte(wrong)))); err == nil {
			t.Errorf("%q: the schema takes it", wrong)
		}
	}
}

// TestReference compares REFERENCE.md with what the types say now.
// `go test ./recipes -run TestReference -update` writes it anew.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- note: written by `go test ./recipes -run TestReference -update` from the schemas; do not edit. -->\n\n# Reference\n\n" +
		"Every field of the files that people write, with its type and its default. What fields do together is in [Recipes](README.md), [Catalogs](CATALOGS.md), [Builds](../builder/README.md) and [Signatures](../sign/README.md). The same as JSON Schemas, for editors: `kiln schema`, `kiln schema config` and `kiln schema vex`.\n")
	for _, file := range []struct {
		name string
		raw  []byte
	}{
		{"recipe.yaml", makeSchema(t)},
		{"kiln.yaml", schemaOf(t, reflect.TypeFor[Config](), "kiln.yaml")},
		{"recipe.vex.yaml", VEXSchema()},
	} {
		var s node
		if err := json.Unmarshal(file.raw, &s); err != nil {
			t.Fatal(err)
		}
		r := handbook{file: file.name, root: &s}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", file.name, s.Description, r.table(&s))
		for _, name := range s.Definitions.names {
			d := s.Definitions.of[name]
			fmt.Fprintf(&b, "\n### %s\n\n%s\n", r.heading(name), d.Description)
			for _, example := range d.Examples {
				fmt.Fprintf(&b, "\n```yaml\n%s\n```\n", strings.TrimSpace(example))
			}
			if table := r.table(d.mapping()); table != "" {
				b.WriteString("\n" + table)
			}
		}
	}
	golden(t, "REFERENCE.md", b.String())
}

// node is what the reference reads of a schema.
type node struct {
	Description string          `json:"description"`
	Ref         string          `json:"$ref"`
	Type        any             `json:"type"`
	Enum        []any           `json:"enum"`
	Const       any             `json:"const"`
	Default     json.RawMessage `json:"default"`
	Examples    []string        `json:"examples"`
	Required    []string        `json:"required"`
	AnyOf       []*node         `json:"anyOf"`
	Items       *node           `json:"items"`
	Additional  json.RawMessage `json:"additionalProperties"`
	Properties  members         `json:"properties"`
	Definitions members         `json:"definitions"`
}

// members are the members of an object in their order.
type members struct {
	names []string
	of    map[string]*node
}

func (m *members) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	m.of = map[string]*node{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		n := &node{}
		if err := d.Decode(n); err != nil {
			return err
		}
		m.names, m.of[name.(string)] = append(m.names, name.(string)), n
	}
	return nil
}

// mapping is the form of a definition that has fields.
func (n *node) mapping() *node {
	for _, o := range n.AnyOf {
		if len(o.Properties.names) > 0 {
			return o
		}
	}
	return n
}

type handbook struct {
	file string
	root *node
}

func (r *handbook) heading(name string) string { return name + " (" + r.file + ")" }

func (r *handbook) table(n *node) string {
	if len(n.Properties.names) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Field | Type | |\n|---|---|---|\n")
	for _, name := range n.Properties.names {
		p := n.Properties.of[name]
		text := p.Description
		if slices.Contains(n.Required, name) {
			text += " Required."
		}
		if p.Default != nil {
			text += " Default: `" + oneLine(string(p.Default)) + "`."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, r.typeOf(p), strings.ReplaceAll(text, "|", `\|`))
	}
	return b.String()
}

// typeOf names the type of a value, with a link where it has fields.
func (r *handbook) typeOf(n *node) string {
	var enum []string
	for _, v := range n.Enum {
		enum = append(enum, fmt.Sprintf("`%v`", v))
	}
	switch {
	case n.Ref != "":
		name := strings.TrimPrefix(n.Ref, "#/definitions/")
		anchor := strings.NewReplacer(" ", "-", "(", "", ")", "", ".", "").Replace(strings.ToLower(r.heading(name)))
		return "[" + name + "](#" + anchor + ")"
	case enum != nil:
		return strings.Join(enum, ", ")
	case n.Items != nil:
		return "list of " + r.typeOf(n.Items)
	case n.Type == "object":
		values := &node{}
		if json.Unmarshal(n.Additional, values) == nil && (values.Type != nil || values.Ref != "" || values.AnyOf != nil) {
			return "mapping to " + r.typeOf(values)
		}
		return "mapping"
	}
	var forms []string
	for _, o := range n.AnyOf {
		if form := r.typeOf(o); form != "" && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	if len(forms) > 0 {
		return strings.Join(forms, " or ")
	}
	switch t := n.Type.(type) {
	case string:
		return t
	case []any:
		return "text or number"
	}
	return ""
}
