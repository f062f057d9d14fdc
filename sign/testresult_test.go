package sign_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// TestTestResult reads the predicate by in-toto's own type, which refuses
// fields that it does not know.
func TestTestResult(t *testing.T) {
	files := map[string]string{"recipe.yaml": strings.Repeat("a", 64), "test.yaml": strings.Repeat("b", 64)}
	unnamed := recipes.TestResult{Name: "http GET /", Kind: "http", Status: recipes.StatusPassed}
	passed := recipes.TestResult{Name: "p", Kind: "run", Status: recipes.StatusPassed}
	emulated := recipes.TestResult{Name: "e", Kind: "run", Status: recipes.StatusPassed, Emulated: true}
	notRun := recipes.TestResult{Name: "n", Kind: "http", Status: recipes.StatusNotRun, Reason: "no emulator"}
	failed := recipes.TestResult{Name: "f", Kind: "files", Status: recipes.StatusFailed}
	for _, c := range []struct {
		images []sign.TestedImage
		want   sign.TestSummary
		lists  string
		notes  map[string]any
	}{
		{nil, sign.TestSummary{Result: "WARNED"}, "[] [] []", map[string]any{"noTests": "the recipe has no tests"}},
		{[]sign.TestedImage{{Results: []recipes.TestResult{passed, unnamed}}}, sign.TestSummary{Result: "PASSED", Passed: 2}, "[http GET / run: p] [] []", nil},
		{
			[]sign.TestedImage{{Platform: "linux/amd64", Results: []recipes.TestResult{passed}}, {Platform: "linux/arm64", Results: []recipes.TestResult{notRun, emulated}}},
			sign.TestSummary{Result: "WARNED", Passed: 2, Warned: 1},
			"[linux/amd64 run: p linux/arm64 run: e] [linux/arm64 http: n] []",
			map[string]any{"notRun": map[string]any{"linux/arm64 http: n": "no emulator"}, "emulated": []any{"linux/arm64 run: e"}},
		},
		{
			[]sign.TestedImage{{Results: []recipes.TestResult{failed, notRun, passed}}},
			sign.TestSummary{Result: "FAILED", Passed: 1, Warned: 1, Failed: 1},
			"[run: p] [http: n] [files: f]", map[string]any{"notRun": map[string]any{"http: n": "no emulator"}},
		},
	} {
		in := sign.TestInput{Recipe: "recipe.yaml", Files: files, Images: c.images}
		data, err := sign.TestResult(in)
		if err != nil {
			t.Fatal(err)
		}
		var got testresult.TestResult
		if err := protojson.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		lists := "[" + strings.Join(got.PassedTests, " ") + "] [" + strings.Join(got.WarnedTests, " ") + "] [" + strings.Join(got.FailedTests, " ") + "]"
		if lists != c.lists {
			t.Errorf("the lists are %s, want %s", lists, c.lists)
		}
		if got, err := sign.TestsOf(data); got != c.want || err != nil {
			t.Errorf("it is read as %v, %v, want %v", got, err, c.want)
		}
		for i, name := range []string{"recipe.yaml", "test.yaml"} {
			file := got.Configuration[i]
			if file.Name != name || file.Digest["sha256"] != files[name] {
				t.Errorf("configuration %d is %v, want %s", i, file, name)
			}
		}
		if diff := cmp.Diff(c.notes, got.Configuration[0].Annotations.AsMap()); c.notes != nil && diff != "" {
			t.Errorf("annotations (-want +got):\n%s", diff)
		}
		for range 25 {
			if again, _ := sign.TestResult(in); !bytes.Equal(again, data) {
				t.Fatalf("the predicate differs:\n%s\n%s", data, again)
			}
		}
	}
}

func TestTestResultRefuses(t *testing.T) {
	if _, err := sign.TestResult(sign.TestInput{Recipe: "recipe.yaml"}); err == nil {
		t.Error("without the recipe's digest there is no error")
	}
	in := sign.TestInput{
		Recipe: "recipe.yaml", Files: map[string]string{"recipe.yaml": "a"},
		Images: []sign.TestedImage{{Results: []recipes.TestResult{{Name: "x"}}}},
	}
	if _, err := sign.TestResult(in); err == nil {
		t.Error("a result without a status is no error")
	}
	for _, text := range []string{"", "[]", `{"result":"passed"}`, `{}`} {
		if got, err := sign.TestsOf(json.RawMessage(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestTestNames(t *testing.T) {
	text, err := sign.TestResult(sign.TestInput{Recipe: "recipe.yaml", Files: map[string]string{"recipe.yaml": strings.Repeat("a", 64)}, Images: []sign.TestedImage{{Results: []recipes.TestResult{
		{Name: "p", Kind: "run", Status: recipes.StatusPassed}, {Name: "n", Kind: "http", Status: recipes.StatusNotRun, Reason: "no emulator"}, {Name: "f", Kind: "files", Status: recipes.StatusFailed},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := sign.TestNamesOf(text)
	want := sign.TestNames{Passed: []string{"run: p"}, Warned: []string{"http: n"}, Failed: []string{"files: f"}, NotRun: map[string]string{"http: n": "no emulator"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	none, err := sign.TestResult(sign.TestInput{Recipe: "recipe.yaml", Files: map[string]string{"recipe.yaml": strings.Repeat("a", 64)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sign.TestNamesOf(none); err != nil || got.None != "the recipe has no tests" {
		t.Errorf("without tests: got %+v, %v", got, err)
	}
	if _, err := sign.TestNamesOf([]byte("[]")); err == nil {
		t.Error("what is no predicate is read")
	}
}
