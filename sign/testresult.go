package sign

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kiln-build/kiln/recipes"
)

// PredicateTestResult is in-toto's for the results of tests, as [TestResult]
// writes it.
const PredicateTestResult = "https://in-toto.io/attestation/test-result/v0.1"

// testResult is in-toto's predicate (attestation spec,
// predicates/test-result.md).
type testResult struct {
	Result        string     `json:"result"`
	Configuration []resource `json:"configuration"`
	Passed        []string   `json:"passedTests,omitempty"`
	Warned        []string   `json:"warnedTests,omitempty"`
	Failed        []string   `json:"failedTests,omitempty"`
}

// TestResult writes the predicate of an in-toto test-result statement about an
// image. The configuration has the sha256, as hex, of each
// file that tests stand in, by name. A test that
// could not be run is a warned one: the predicate knows no other, and who asks
// for PASSED must not be told so. The same input gives the same bytes.
func TestResult(configuration map[string]string, results []recipes.TestResult) (json.RawMessage, error) {
	if len(configuration) == 0 {
		return nil, errors.New("writing test result: it needs a configuration")
	}
	t := testResult{Result: "PASSED", Configuration: []resource{}}
	for _, name := range slices.Sorted(maps.Keys(configuration)) {
		t.Configuration = append(t.Configuration, resource{Name: name, Digest: map[string]string{"sha256": configuration[name]}})
	}
	for _, r := range results {
		name := r.Kind + ": " + r.Name
		switch r.Status {
		case recipes.StatusPassed:
			t.Passed = append(t.Passed, name)
		case recipes.StatusNotRun:
			t.Warned = append(t.Warned, name)
		case recipes.StatusFailed:
			t.Failed = append(t.Failed, name)
		default:
			return nil, fmt.Errorf("writing test result: test %q has the status %q", r.Name, r.Status)
		}
	}
	switch {
	case len(t.Failed) > 0:
		t.Result = "FAILED"
	case len(t.Warned) > 0:
		t.Result = "WARNED"
	}
	for _, list := range [][]string{t.Passed, t.Warned, t.Failed} {
		slices.Sort(list)
	}
	return json.Marshal(t)
}
