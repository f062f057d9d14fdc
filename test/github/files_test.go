// Package github holds the actions and workflows of .github to what keeps them
// safe, and to what its README says. actionlint, which `make lint` runs, knows
// their syntax.
package github

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const root = "../../.github/"

// workflow is a file of .github/workflows, or an action, as far as the tests
// look at it.
type workflow struct {
	file string
	text string

	On          yaml.Node       `yaml:"on"`
	Permissions *permissions    `yaml:"permissions"`
	Jobs        map[string]*job `yaml:"jobs"`

	// Of an action.
	Inputs  map[string]input `yaml:"inputs"`
	Outputs map[string]input `yaml:"outputs"`
	Runs    struct {
		Using string `yaml:"using"`
		Steps []step `yaml:"steps"`
	} `yaml:"runs"`
}

type job struct {
	Permissions *permissions `yaml:"permissions"`
	Uses        string       `yaml:"uses"`
	Timeout     int          `yaml:"timeout-minutes"`
	Steps       []step       `yaml:"steps"`
}

type step struct {
	Name string            `yaml:"name"`
	ID   string            `yaml:"id"`
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
	With map[string]string `yaml:"with"`
}

type input struct {
	Description string `yaml:"description"`
	Required    bool   `yaml:"required"`
	Default     string `yaml:"default"`
	Type        string `yaml:"type"`
	Value       string `yaml:"value"`
}

// permissions are those that a workflow or a job asks for, by scope.
type permissions map[string]string

// UnmarshalYAML refuses the words that stand for all scopes.
func (p *permissions) UnmarshalYAML(n *yaml.Node) error {
	*p = permissions{}
	return n.Decode((*map[string]string)(p))
}

// triggers are the events that start a workflow.
func (w *workflow) triggers() map[string]yaml.Node {
	var events map[string]yaml.Node
	if w.On.Decode(&events) != nil {
		return nil
	}
	return events
}

// steps are those of all jobs, or of the action.
func (w *workflow) steps() []step {
	all := w.Runs.Steps
	for _, j := range w.Jobs {
		all = append(all, j.Steps...)
	}
	return all
}

func parse(t *testing.T, file, text string) *workflow {
	t.Helper()
	w := &workflow{file: file, text: text}
	if err := yaml.Unmarshal([]byte(text), w); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return w
}

func load(t *testing.T, file string) *workflow {
	t.Helper()
	text, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, file, string(text))
}

// all are the files that match, of which there must be some.
func all(t *testing.T, pattern string) []*workflow {
	t.Helper()
	files, err := filepath.Glob(root + pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	var list []*workflow
	for _, f := range files {
		list = append(list, load(t, strings.TrimPrefix(f, root)))
	}
	return list
}

func workflows(t *testing.T) []*workflow {
	t.Helper()
	return all(t, "workflows/*.yml")
}

func actions(t *testing.T) []*workflow {
	t.Helper()
	return all(t, "actions/*/action.yml")
}
