package sign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// PredicateTestResult is in-toto's for the results of tests, as [TestResult]
// writes it.
const PredicateTestResult = "https://in-toto.io/attestation/test-result/v0.1"

// What a test-result statement says of all tests together.
const (
	ResultPassed = "PASSED"
	// ResultWarned: no test failed, but some were not run, or there is none.
	ResultWarned = "WARNED"
	ResultFailed = "FAILED"
)

// TestInput is what [TestResult] says about an image, or about the images of an
// index.
type TestInput struct {
	// Recipe is the name of the recipe's file, and Variant which of its
	// variants was built, if any.
	Recipe, Variant string
	// Files has the sha256, as hex, of that file and of each other one that
	// tests stand in, by name.
	Files  map[string]string
	Images []TestedImage
}

// TestedImage are the results of an image's tests.
type TestedImage struct {
	// Platform is empty where there is one image only.
	Platform string
	Results  []recipes.TestResult
}

// testResult is in-toto's predicate (attestation spec,
// predicates/test-result.md).
type testResult struct {
	Result        string     `json:"result"`
	Configuration []testFile `json:"configuration"`
	Passed        []string   `json:"passedTests,omitempty"`
	Warned        []string   `json:"warnedTests,omitempty"`
	Failed        []string   `json:"failedTests,omitempty"`
}

// testFile is an in-toto ResourceDescriptor.
type testFile struct {
	Name        string            `json:"name"`
	Digest      map[string]string `json:"digest"`
	Annotations testNotes         `json:"annotations,omitzero"`
}

// testNotes are what the predicate has no fields for.
type testNotes struct {
	Variant string `json:"variant,omitempty"`
	// NoTests is why there is no result.
	NoTests string `json:"noTests,omitempty"`
	// NotRun is why tests were not run, by their names.
	NotRun map[string]string `json:"notRun,omitempty"`
	// Emulated are the tests whose programs ran on an emulator.
	Emulated []string `json:"emulated,omitempty"`
}

func (n *testNotes) add(name string, r recipes.TestResult) {
	if r.Emulated {
		n.Emulated = append(n.Emulated, name)
	}
	if r.Status != recipes.StatusNotRun {
		return
	}
	if n.NotRun == nil {
		n.NotRun = map[string]string{}
	}
	n.NotRun[name] = r.Reason
}

// TestResult writes the predicate of an in-toto test-result statement. A test
// that could not be run is a warned one: the predicate knows no other, and who
// asks for PASSED must not be told so. For the same reason a recipe without
// tests is WARNED. Why is said in annotations of the recipe's entry among the
// configuration, with what ran on an emulator. The same input gives the same
// bytes.
func TestResult(in TestInput) (json.RawMessage, error) {
	if in.Files[in.Recipe] == "" {
		return nil, errors.New("writing test result: the recipe's digest is needed")
	}
	var t testResult
	about := testNotes{Variant: in.Variant}
	for _, img := range in.Images {
		for _, r := range img.Results {
			name := strings.TrimSpace(img.Platform + " " + testName(r))
			if err := t.add(name, r); err != nil {
				return nil, err
			}
			about.add(name, r)
		}
	}
	t.conclude()
	if len(t.Passed)+len(t.Warned)+len(t.Failed) == 0 {
		about.NoTests = "the recipe has no tests"
	}
	for _, name := range slices.Sorted(maps.Keys(in.Files)) {
		file := testFile{Name: name, Digest: map[string]string{"sha256": in.Files[name]}}
		if name == in.Recipe {
			file.Annotations = about
		}
		t.Configuration = append(t.Configuration, file)
	}
	return json.Marshal(t)
}

// testName is the name of a test, after its kind. A test without a name of its
// own is called by its kind already, but for a command.
func testName(r recipes.TestResult) string {
	if r.Name == r.Kind || strings.HasPrefix(r.Name, r.Kind+" ") {
		return r.Name
	}
	return r.Kind + ": " + r.Name
}

func (t *testResult) add(name string, r recipes.TestResult) error {
	switch r.Status {
	case recipes.StatusPassed:
		t.Passed = append(t.Passed, name)
	case recipes.StatusNotRun:
		t.Warned = append(t.Warned, name)
	case recipes.StatusFailed:
		t.Failed = append(t.Failed, name)
	default:
		return fmt.Errorf("writing test result: test %q has the status %q", r.Name, r.Status)
	}
	return nil
}

// conclude says what the tests mean together.
func (t *testResult) conclude() {
	for _, list := range [][]string{t.Passed, t.Warned, t.Failed} {
		slices.Sort(list)
	}
	switch {
	case len(t.Failed) > 0:
		t.Result = ResultFailed
	case len(t.Warned) > 0, len(t.Passed) == 0:
		t.Result = ResultWarned
	default:
		t.Result = ResultPassed
	}
}

// TestSummary is what a test-result predicate says in short.
type TestSummary struct {
	// Result is one of the constants.
	Result string
	// How many tests passed, and how many did not.
	Passed, Warned, Failed int
}

// TestsOf reads the predicate of an in-toto test-result statement.
func TestsOf(predicate json.RawMessage) (TestSummary, error) {
	var t testResult
	if err := json.Unmarshal(predicate, &t); err != nil {
		return TestSummary{}, fmt.Errorf("reading test result: %w", err)
	}
	if !slices.Contains([]string{ResultPassed, ResultWarned, ResultFailed}, t.Result) {
		return TestSummary{}, fmt.Errorf("reading test result: unknown result %q", t.Result)
	}
	return TestSummary{Result: t.Result, Passed: len(t.Passed), Warned: len(t.Warned), Failed: len(t.Failed)}, nil
}

// TestNames are the tests that a test-result predicate names.
type TestNames struct {
	Passed, Warned, Failed []string
	// NotRun is why some of the warned ones were not run, by their names, and
	// None why there is no test, as kiln's predicates say it.
	NotRun map[string]string
	None   string
}

// TestNamesOf reads the predicate of an in-toto test-result statement.
func TestNamesOf(predicate json.RawMessage) (TestNames, error) {
	var t testResult
	if err := json.Unmarshal(predicate, &t); err != nil {
		return TestNames{}, fmt.Errorf("reading test result: %w", err)
	}
	names := TestNames{Passed: t.Passed, Warned: t.Warned, Failed: t.Failed, NotRun: map[string]string{}}
	for _, file := range t.Configuration {
		maps.Copy(names.NotRun, file.Annotations.NotRun)
		names.None = cmp.Or(names.None, file.Annotations.NoTests)
	}
	return names, nil
}
