package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/lint"
)

func TestSARIF(t *testing.T) {
	found := []lint.Finding{
		{Rule: lint.RuleLowPort, Level: lint.Warning, Problem: recipes.Problem{File: "a b/recipe.yaml", Pos: recipes.Pos{Line: 3, Col: 7}, Msg: "x <y>", Hint: "z"}},
		{Rule: lint.RuleInvalid, Level: lint.Error, Problem: recipes.Problem{File: "/abs/recipe.yaml", Msg: "x"}},
	}
	standard := sarifSchema(t)
	for _, list := range [][]lint.Finding{nil, found} {
		var b bytes.Buffer
		if err := lintSARIF(&b, list); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, standard, b.Bytes())
	}
}

// checkSARIF has another implementation read a log, hold it against the
// standard's schema, and write it again with nothing lost.
func checkSARIF(t *testing.T, standard *jsonschema.Schema, log []byte) {
	t.Helper()
	report, err := sarif.FromBytes(log)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(log, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if err := standard.Validate(want); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if diff := cmp.Diff(want, common(want, got)); diff != "" {
		t.Errorf("another implementation reads it otherwise (-want +got):\n%s", diff)
	}
}

// sarifSchema is the standard's schema, which go-sarif has as a constant.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	longest := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && len(lit.Value) > len(longest) {
			longest = lit.Value
		}
		return true
	})
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Trim(longest, "`")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://sarif.test/schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://sarif.test/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// common is what got has of want, without what it has besides.
func common(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		m, both := got.(map[string]any)
		if !both {
			return got
		}
		kept := map[string]any{}
		for k, v := range want {
			if g, ok := m[k]; ok {
				kept[k] = common(v, g)
			}
		}
		return kept
	case []any:
		list, both := got.([]any)
		if !both || len(list) != len(want) {
			return got
		}
		kept := make([]any, len(list))
		for i := range list {
			kept[i] = common(want[i], list[i])
		}
		return kept
	}
	return got
}

func TestFileURI(t *testing.T) {
	for file, want := range map[string]string{
		"a b/recipe.yaml": "a%20b/recipe.yaml", "/x/r.yaml": "file:///x/r.yaml", "r.yaml": "r.yaml",
	} {
		if got := fileURI(file); got != want {
			t.Errorf("fileURI(%q) is %q, want %q", file, got, want)
		}
	}
}
