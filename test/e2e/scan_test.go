//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// report is what of kiln scan's JSON is looked at.
type report struct {
	Scans []struct {
		Verified bool
		Missing  []string
		Findings []struct {
			ID         string
			Component  struct{ Name, Version string }
			Fixed      string
			Suppressed *struct{ Status, Justification, Reason, From string }
			Statements []struct {
				Status string
				Stack  []string
			}
		}
	}
}

func scans(t *testing.T, r result) report {
	t.Helper()
	var out report
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil || len(out.Scans) != 1 {
		t.Fatalf("%v: %s\n%s", err, r.stdout, r.stderr)
	}
	return out
}

// TestScan: a service with an old module shows its known advisories, by its
// lock, its SBOM and its image; and the analysis of its source takes out those
// that it does not reach, in an image of it as well.
func TestScan(t *testing.T) {
	db, err := filepath.Abs("../../../shared/osv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(db, "Go", "all.zip")); err != nil {
		t.Skip("there are no advisories beside the project, in ../shared/osv")
	}
	b := newBed(t)
	b.env = append(b.env, "KILN_REGISTRY_CA="+b.CAFile)
	recipe := b.copyRecipe(t, "testdata/vulnerable")
	pushed := b.Addr + "/vulnerable@" + b.build(t, recipe, "vulnerable").Digest
	known := []string{"GO-2021-0113 0.3.7", "GO-2022-1059 0.3.8", "GO-2026-5970 0.39.0"}

	// Only Go's advisories are here: the image's Debian packages are named as
	// not looked for, and the exit code says so.
	r := b.run(t, "kiln", "scan", pushed, "--db", db, "--key", b.pub, "--format", "json")
	image := scans(t, r)
	if r.code != 1 || !image.Scans[0].Verified || !slices.Equal(image.Scans[0].Missing, []string{"Debian:13"}) {
		t.Errorf("exit code %d, verified %v, missing %v; want 1 and Debian:13 missing\n%s", r.code, image.Scans[0].Verified, image.Scans[0].Missing, r.stderr)
	}
	byLock := scans(t, b.run(t, "kiln", "scan", recipe, "--db", db, "--format", "json"))
	for what, got := range map[string]report{"image": image, "lock": byLock} {
		if ids := got.ofText(false); !slices.Equal(ids, known) {
			t.Errorf("by its %s: got %v, want %v", what, ids, known)
		}
	}

	vex := filepath.Join(t.TempDir(), "reach.json")
	r = b.run(t, "kiln", "scan", recipe, "--db", db, "--format", "json", "--reachability", "--openvex", vex, "--product", pushed, "--progress", "plain")
	if r.code != 1 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	reached := scans(t, r)
	if ids := reached.ofText(false); !slices.Equal(ids, known[:1]) {
		t.Errorf("reached: got %v, want %v", ids, known[:1])
	}
	want := map[string]string{"GO-2022-1059": "vulnerable_code_not_in_execute_path", "GO-2026-5970": "vulnerable_code_not_present"}
	for _, f := range reached.Scans[0].Findings {
		switch {
		case f.ID == "GO-2021-0113":
			// The calls, the service's own first, from one line to the next.
			calls := []string{"example.com/vulnerable.main main.go:12:", "example.com/vulnerable.parse main.go:16:", "golang.org/x/text/language.Parse language/parse.go:"}
			if len(f.Statements) != 1 || f.Statements[0].Status != "affected" || !slices.EqualFunc(f.Statements[0].Stack, calls, strings.HasPrefix) {
				t.Errorf("%s: the calls are %+v, want %v", f.ID, f.Statements, calls)
			}
		case want[f.ID] != "":
			if f.Suppressed == nil || f.Suppressed.Justification != want[f.ID] || !strings.Contains(f.Suppressed.Reason, "govulncheck") {
				t.Errorf("%s: got %+v, want %s", f.ID, f.Suppressed, want[f.ID])
			}
		}
	}
	// The same, said of the image.
	applied := scans(t, b.run(t, "kiln", "scan", pushed, "--db", db, "--key", b.pub, "--vex", vex, "--format", "json"))
	if ids := applied.ofText(false); !slices.Equal(ids, known[:1]) {
		t.Errorf("applied to the image: got %v, want %v", ids, known[:1])
	}
	if ids := applied.ofText(true); !slices.Equal(ids, known[1:]) {
		t.Errorf("suppressed in the image: got %v, want %v", ids, known[1:])
	}
	testReport(t, b, pushed, db, vex)
	b.refused(t, recipe, db)
}

// refused: where another step may make Go programs, the analysis would not be
// one of the image.
func (b *bed) refused(t *testing.T, recipe, db string) {
	t.Helper()
	replace(t, recipe, "image:\n", "    - run: go version\nimage:\n")
	b.must(t, "kiln", "lock", recipe)
	b.mustFail(t, 1, []string{"step 2 may compile Go programs, which would not be analysed: it runs go"},
		"scan", recipe, "--db", db, "--reachability", "--progress", "plain")
}

// ofText are the findings about the old module, with what fixes them.
func (r report) ofText(suppressed bool) (ids []string) {
	for _, f := range r.Scans[0].Findings {
		if f.Component.Name == "golang.org/x/text" && f.Component.Version == "0.3.5" && (f.Suppressed != nil) == suppressed {
			ids = append(ids, f.ID+" "+f.Fixed)
		}
	}
	slices.Sort(ids)
	return ids
}
