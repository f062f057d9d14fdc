package recipes

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func TestVEX(t *testing.T) {
	raw, err := os.ReadFile("testdata/vex/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseVEX("testdata/vex/good.yaml", raw)
	if err != nil {
		t.Fatal(err)
	}
	want := VEXStatement{
		Pos: Pos{5, 5}, Vulnerability: "GO-2022-1059", Components: []string{"pkg:golang/golang.org/x/text"},
		Status: VEXNotAffected, Justification: "vulnerable_code_not_in_execute_path",
		Reason: "The service parses no Accept-Language headers.", Date: "2026-11-20", Expires: "2027-05-20",
	}
	if diff := cmp.Diff(want, v.Statements[0]); diff != "" || v.Version != 3 || len(v.Statements) != 4 {
		t.Error(diff)
	}
	for today, want := range map[string]int{"2026-12-01": 0, "2026-12-02": 1, "2026-12-21": 2, "2030-01-01": 4} {
		if got := v.Expired(today); len(got) != want {
			t.Errorf("on %s %d statements are expired, want %d", today, len(got), want)
		}
	}
}

func TestReadVEX(t *testing.T) {
	r := &Recipe{File: t.TempDir() + "/recipe.yaml"}
	if v, err := r.ReadVEX(); v != nil || err != nil {
		t.Errorf("got %v, %v, want nothing", v, err)
	}
	if err := os.Mkdir(r.VEXPath(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadVEX(); err == nil || !strings.HasSuffix(r.VEXPath(), "/recipe.vex.yaml") {
		t.Errorf("got %v, want that the file cannot be read", err)
	}
}

func TestVEXWrong(t *testing.T) {
	for name, raw := range inputs(t, "testdata/vex/wrong/*.yaml") {
		t.Run(name, func(t *testing.T) {
			v, err := ParseVEX("recipe.vex.yaml", raw)
			var all *Errors
			if !errors.As(err, &all) || v != nil {
				t.Fatalf("got %v, %v, want *Errors", v, err)
			}
			golden(t, "testdata/vex/wrong/"+name+".err", err.Error()+"\n")
		})
	}
}

// TestVEXSchema: the schema has the fields of the types, and takes and refuses
// what the decoder does.
func TestVEXSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(VEXSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("vex.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("vex.json")
	if err != nil {
		t.Fatal(err)
	}
	for typ, s := range map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[VEX](): schema, reflect.TypeFor[VEXStatement](): schema.Properties["statements"].Items.(*jsonschema.Schema).Ref,
	} {
		var required []string
		for _, f := range fieldsOf(typ) {
			if s.Properties[f.name] == nil {
				t.Errorf("%s: the schema has no %s", typ, f.name)
			}
			if f.options.has("required") {
				required = append(required, f.name)
			}
		}
		if len(s.Properties) != len(fieldsOf(typ)) {
			t.Errorf("%s: the schema has fields besides", typ)
		}
		slices.Sort(required)
		if diff := cmp.Diff(required, slices.Sorted(slices.Values(s.Required))); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
	validate := func(raw []byte) error {
		var n yaml.Node
		if err := yaml.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(plain(n.Content[0]))
	}
	good, err := os.ReadFile("testdata/vex/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(good); err != nil {
		t.Error(err)
	}
	for name, raw := range inputs(t, "testdata/vex/wrong/*.yaml") {
		if validate(raw) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}
