package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// testReport gathers the results of all tests of a run for --test-report. A
// nil one gathers nothing.
type testReport struct {
	file  string
	now   func() time.Time
	start time.Time

	mu    sync.Mutex
	tests []ctrfTest
}

func newTestReport(file string, now func() time.Time) *testReport {
	if file == "" {
		return nil
	}
	return &testReport{file: file, now: now, start: now(), tests: []ctrfTest{}}
}

// The types below are the part of the Common Test Report Format
// (https://ctrf.io, schema 0.0) that kiln writes.
type (
	ctrfReport struct {
		Format  string      `json:"reportFormat"`
		Version string      `json:"specVersion"`
		Results ctrfResults `json:"results"`
	}
	ctrfResults struct {
		Tool    ctrfTool    `json:"tool"`
		Summary ctrfSummary `json:"summary"`
		Tests   []ctrfTest  `json:"tests"`
	}
	ctrfTool struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	ctrfSummary struct {
		Tests   int   `json:"tests"`
		Passed  int   `json:"passed"`
		Failed  int   `json:"failed"`
		Pending int   `json:"pending"`
		Skipped int   `json:"skipped"`
		Other   int   `json:"other"`
		Start   int64 `json:"start"` // in milliseconds since 1970
		Stop    int64 `json:"stop"`
	}
	ctrfTest struct {
		Name     string   `json:"name"`
		Status   string   `json:"status"`
		Duration int64    `json:"duration"` // in milliseconds
		Suite    []string `json:"suite"`
		Message  string   `json:"message,omitempty"`
		File     string   `json:"filePath"`
		Line     int      `json:"line,omitempty"`
		Type     string   `json:"type"`
		Stdout   []string `json:"stdout,omitempty"`
		Stderr   []string `json:"stderr,omitempty"`
	}
)

// add takes the results for one platform. What a failed test printed is in
// err.
func (t *testReport) add(r *recipes.Recipe, platform string, results []recipes.TestResult, err error) {
	if t == nil {
		return
	}
	failed := failures(err)
	var list []ctrfTest
	for _, res := range results {
		c := ctrfTest{
			Name: res.Name, Duration: res.Duration.Milliseconds(), Message: res.Reason, Type: res.Kind,
			File: cmp.Or(res.File, r.File), Line: res.Pos.Line, Suite: []string{r.Tagged(r.Name), platform},
			Status: map[string]string{recipes.StatusPassed: "passed", recipes.StatusFailed: "failed"}[res.Status],
		}
		c.Status = cmp.Or(c.Status, "skipped")
		if c.Status == "failed" && len(failed) > 0 { // they are in the same order
			c.Stdout, c.Stderr = lines(failed[0].Stdout), lines(failed[0].Stderr)
			failed = failed[1:]
		}
		list = append(list, c)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tests = append(t.tests, list...)
}

// failures are the tests that err is about, in their order.
func failures(err error) []*builder.TestError {
	var several *builder.TestErrors
	var one *builder.TestError
	switch {
	case errors.As(err, &several):
		return several.List
	case errors.As(err, &one):
		return []*builder.TestError{one}
	}
	return nil
}

// write writes the file, and returns err or why that could not be done.
func (t *testReport) write(err error) error {
	if t == nil {
		return err
	}
	slices.SortStableFunc(t.tests, func(a, b ctrfTest) int { return slices.Compare(a.Suite, b.Suite) })
	s := ctrfSummary{Tests: len(t.tests), Start: t.start.UnixMilli(), Stop: t.now().UnixMilli()}
	for _, x := range t.tests {
		switch x.Status {
		case "passed":
			s.Passed++
		case "failed":
			s.Failed++
		default:
			s.Skipped++
		}
	}
	data, jerr := json.MarshalIndent(ctrfReport{
		Format: "CTRF", Version: "0.0.0",
		Results: ctrfResults{Tool: ctrfTool{Name: "kiln", Version: version()}, Summary: s, Tests: t.tests},
	}, "", "  ")
	if jerr == nil {
		jerr = writeWhole(t.file, append(data, '\n'))
	}
	if jerr != nil && err == nil {
		return fmt.Errorf("writing --test-report: %w", jerr)
	}
	return err
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
