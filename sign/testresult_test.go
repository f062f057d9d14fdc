package sign_test

import (
	"bytes"
	"strings"
	"testing"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// TestTestResult reads the predicate by in-toto's own type, which refuses
// fields that it does not know.
func TestTestResult(t *testing.T) {
	sum := strings.Repeat("a", 64)
	files := map[string]string{"recipe.yaml": sum, "test.yaml": sum}
	passed := recipes.TestResult{Name: "p", Kind: "run", Status: recipes.StatusPassed}
	notRun := recipes.TestResult{Name: "n", Kind: "http", Status: recipes.StatusNotRun}
	failed := recipes.TestResult{Name: "f", Kind: "files", Status: recipes.StatusFailed}
	for _, c := range []struct {
		results []recipes.TestResult
		want    string
		lists   string
	}{
		{nil, "PASSED", "[] [] []"},
		{[]recipes.TestResult{passed}, "PASSED", "[run: p] [] []"},
		{[]recipes.TestResult{passed, notRun}, "WARNED", "[run: p] [http: n] []"},
		{[]recipes.TestResult{failed, notRun, passed}, "FAILED", "[run: p] [http: n] [files: f]"},
	} {
		data, err := sign.TestResult(files, c.results)
		if err != nil {
			t.Fatal(err)
		}
		var got testresult.TestResult
		if err := protojson.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		lists := "[" + strings.Join(got.PassedTests, " ") + "] [" + strings.Join(got.WarnedTests, " ") + "] [" + strings.Join(got.FailedTests, " ") + "]"
		if got.Result != c.want || lists != c.lists {
			t.Errorf("result is %s %s, want %s %s", got.Result, lists, c.want, c.lists)
		}
		if len(got.Configuration) != len(files) {
			t.Errorf("configuration is %v", got.Configuration)
		}
		for range 25 {
			if again, _ := sign.TestResult(files, c.results); !bytes.Equal(again, data) {
				t.Fatalf("the predicate differs:\n%s\n%s", data, again)
			}
		}
	}
	if _, err := sign.TestResult(nil, nil); err == nil {
		t.Error("without a configuration there is no error")
	}
	if _, err := sign.TestResult(files, []recipes.TestResult{{Name: "x"}}); err == nil {
		t.Error("a result without a status is no error")
	}
}
