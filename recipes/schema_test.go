package recipes

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// TestSchema compares schema.json with what the types say now.
// `go test ./recipes -run TestSchema -update` writes it anew.
func TestSchema(t *testing.T) {
	golden(t, "schema.json", string(makeSchema(t)))
}

func TestSchemaHasExamples(t *testing.T) {
	examples, docs := readExamples(t), readDocs(t)
	for _, typ := range []reflect.Type{reflect.TypeFor[Step](), reflect.TypeFor[Source]()} {
		for _, kind := range kindFields(typ) {
			f := typ.FieldByIndex(fieldNamed(typ, kind).index).Type
			if f.Kind() == reflect.Pointer && examples[f.Elem().Name()] == "" && docs.example(f.Elem()) == "" {
				t.Errorf("neither its comment nor a recipe of catalog or testdata/good shows %s %s", shortName(typ), kind)
			}
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(makeSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain is a YAML document as JSON has it.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		each(n, func(key string, value *yaml.Node) { m[key] = plain(value) })
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = plain(c)
		}
		return list
	}
	switch n.Tag {
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	}
	return n.Value
}

func TestSchemaAcceptsGoodRecipes(t *testing.T) {
	s := compiled(t)
	for _, pattern := range []string{"catalog/*/recipe.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(plain(parseYAML(&problems{}, raw))); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestSchemaRefusesWrongRecipes has the schema look at all wrong recipes that
// are YAML. Those that only Load refuses are listed in testdata/unseen.txt, so
// that a schema which sees less is noticed.
func TestSchemaRefusesWrongRecipes(t *testing.T) {
	s := compiled(t)
	all := inputs(t, "testdata/wrong/*.yaml")
	var unseen []string
	seen := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		root := parseYAML(&problems{}, all[name])
		switch {
		case root == nil:
		case s.Validate(plain(root)) == nil:
			unseen = append(unseen, name)
		default:
			seen++
		}
	}
	golden(t, "testdata/unseen.txt", strings.Join(unseen, "\n")+"\n")
	if seen < 2*len(unseen) {
		t.Errorf("the schema refuses %d wrong recipes and accepts %d", seen, len(unseen))
	}
}

func ExampleSchema() {
	lines := strings.Split(string(Schema()), "\n")
	fmt.Println(lines[1])
	// Output:
	// "$schema": "http://json-schema.org/draft-07/schema#",
}
