package github

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pinned is an action by commit, with the version that this is, or one of the
// repository's own.
var pinned = regexp.MustCompile(`(?m)^\s*(?:- )?uses: (?:\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)

// faults are what may not be in a workflow or an action.
func faults(w *workflow) []string {
	list := append(unpinned(w), injections(w)...)
	if w.Jobs != nil {
		list = append(list, overpermitted(w)...)
	}
	for event := range w.triggers() {
		if event == "pull_request_target" || event == "workflow_run" || event == "issue_comment" {
			list = append(list, event+" runs for strangers with the rights of the repository")
		}
	}
	slices.Sort(list)
	return list
}

func unpinned(w *workflow) []string {
	var list []string
	uses, good := strings.Count(w.text, "uses: "), len(pinned.FindAllString(w.text, -1))
	if uses != good {
		list = append(list, fmt.Sprintf("%d of %d uses are not pinned", uses-good, uses))
	}
	for _, s := range w.steps() {
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
			list = append(list, "a checkout leaves the token behind")
		}
	}
	return list
}

// injections are expressions in what a shell or node executes: their values
// would be code.
func injections(w *workflow) []string {
	var list []string
	for _, s := range w.steps() {
		if strings.Contains(s.Run, "${{") || strings.Contains(s.With["script"], "${{") {
			list = append(list, "an expression in a script: "+s.Name+s.ID)
		}
	}
	return list
}

// trusted are the jobs that may do what others may not, by file and name.
var trusted = map[string][]string{
	"workflows/build.yml build":            {"id-token", "packages"},
	"workflows/catalog.yml publish":        {"id-token", "packages"},
	"workflows/catalog-pr.yml comment":     {"pull-requests"},
	"workflows/catalog-daily.yml propose":  {"contents", "pull-requests"},
	"workflows/catalog-daily.yml deploy":   {"id-token", "pages"},
	"workflows/catalog-daily.yml findings": {"security-events"},
}

func overpermitted(w *workflow) []string {
	var list []string
	if w.Permissions == nil || len(*w.Permissions) != 0 {
		list = append(list, "the workflow has permissions, which are its jobs' matter")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		j := w.Jobs[name]
		if j.Permissions == nil {
			list = append(list, name+": it does not say its permissions")
			continue
		}
		if j.Timeout == 0 && j.Uses == "" {
			list = append(list, name+": it has no time limit")
		}
		for _, scope := range slices.Sorted(maps.Keys(*j.Permissions)) {
			if access := (*j.Permissions)[scope]; access != "read" && !slices.Contains(trusted[w.file+" "+name], scope) {
				list = append(list, fmt.Sprintf("%s: it may %s %s", name, access, scope))
			}
		}
	}
	return list
}

func TestNoFaults(t *testing.T) {
	for _, w := range append(workflows(t), actions(t)...) {
		for _, f := range faults(w) {
			t.Errorf("%s: %s", w.file, f)
		}
	}
}

// TestTrustedJobsAreThere: what is trusted is not trusted for nothing.
func TestTrustedJobsAreThere(t *testing.T) {
	for name, scopes := range trusted {
		file, job, _ := strings.Cut(name, " ")
		w := load(t, file)
		if w.Jobs[job] == nil {
			t.Errorf("%s has no job %s", file, job)
			continue
		}
		for _, scope := range scopes {
			if (*w.Jobs[job].Permissions)[scope] != "write" {
				t.Errorf("%s: job %s does not write %s", file, job, scope)
			}
		}
	}
}

// TestFaultsAreSeen: the tests above could fail.
func TestFaultsAreSeen(t *testing.T) {
	const good = `
on: {pull_request: {}}
permissions: {}
jobs:
  build:
    permissions: {contents: read}
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with: {persist-credentials: false}
      - uses: ./.github/actions/build
      - name: say
        env: {TITLE: "${{ github.event.pull_request.title }}"}
        run: echo "$TITLE"
`
	for _, c := range []struct {
		old, changed string
		want         []string
	}{
		{"", "", nil},
		{"@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", []string{"1 of 2 uses are not pinned"}},
		{" # v6.0.2", "", []string{"1 of 2 uses are not pinned"}},
		{"persist-credentials: false", "fetch-depth: 0", []string{"a checkout leaves the token behind"}},
		{`echo "$TITLE"`, `echo "${{ github.event.pull_request.title }}"`, []string{"an expression in a script: say"}},
		{"pull_request: {}", "pull_request_target: {}", []string{"pull_request_target runs for strangers with the rights of the repository"}},
		{"\npermissions: {}", "", []string{"the workflow has permissions, which are its jobs' matter"}},
		{"\npermissions: {}", "\npermissions: {contents: read}", []string{"the workflow has permissions, which are its jobs' matter"}},
		{"    permissions: {contents: read}\n", "", []string{"build: it does not say its permissions"}},
		{"{contents: read}", "{contents: read, id-token: write}", []string{"build: it may write id-token"}},
		{"    timeout-minutes: 5\n", "", []string{"build: it has no time limit"}},
	} {
		got := faults(parse(t, "workflows/x.yml", strings.Replace(good, c.old, c.changed, 1)))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("with %q for %q (-want +got):\n%s", c.changed, c.old, diff)
		}
	}
}

// TestPullRequestsHaveNoSecrets: what strangers propose runs without secrets,
// and is pushed nowhere.
func TestPullRequestsHaveNoSecrets(t *testing.T) {
	seen := false
	for _, w := range workflows(t) {
		if _, ok := w.triggers()["pull_request"]; !ok {
			continue
		}
		seen = true
		for _, word := range []string{"secrets.", "secrets:", "--push", "--keyless", "packages: write", "id-token"} {
			if strings.Contains(w.text, word) {
				t.Errorf("%s runs for pull requests, and has %q", w.file, word)
			}
		}
	}
	if !seen {
		t.Error("no workflow runs for pull requests")
	}
}

// TestCallsOfMake: whoever has the sources can run what CI runs.
func TestCallsOfMake(t *testing.T) {
	for _, s := range load(t, "workflows/ci.yml").steps() {
		if s.Run != "" && !regexp.MustCompile(`^(sudo env [^;&|]* )?make [a-z0-9-]+\n?$`).MatchString(s.Run) {
			t.Errorf("CI runs what no make target is: %s", s.Run)
		}
	}
}
