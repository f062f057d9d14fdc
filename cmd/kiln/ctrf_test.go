package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

func TestReportOfTests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	clock := time.UnixMilli(1_700_000_000_000)
	now := func() time.Time { clock = clock.Add(time.Second); return clock }
	report := newTestReport(file, now)
	r := &recipes.Recipe{File: "recipe.yaml", Name: "hello"}
	failed := &builder.TestError{Name: "b", Stdout: "one\ntwo\n"}
	report.add(r, "linux/arm64", []recipes.TestResult{{Name: "c", Kind: "run", Status: recipes.StatusNotRun, Reason: "no emulator"}}, nil)
	report.add(r, "linux/amd64", []recipes.TestResult{
		{Name: "a", Kind: "http", Status: recipes.StatusPassed, Duration: 1500 * time.Microsecond, Pos: recipes.Pos{Line: 7, Col: 5}},
		{Name: "b", Kind: "run", File: "test.yaml", Status: recipes.StatusFailed, Reason: "want exit code 0, got 1", Duration: time.Second},
	}, failed)
	if err := report.write(failed); !errors.Is(err, failed) {
		t.Errorf("error is %v, want the one given", err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.Replace(got, []byte(version()), []byte("VERSION"), 1)
	const golden = "testdata/report.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if err := newTestReport(filepath.Join(file, "x"), now).write(nil); err == nil {
		t.Error("a report that cannot be written is no error")
	}
	var none *testReport
	none.add(r, "", nil, nil)
	if err := none.write(nil); err != nil {
		t.Error(err)
	}
}
