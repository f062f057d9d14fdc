package github

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tables are those of the README, as it should be, by the words before the
// first of each.
func tables(t *testing.T) string {
	t.Helper()
	action := load(t, "actions/build/action.yml")
	text := table("Input", action.Inputs) + "\n" + table("Output", action.Outputs)
	for _, name := range []string{"build", "verify"} {
		w := load(t, "workflows/"+name+".yml")
		var call struct{ Inputs, Secrets, Outputs map[string]input }
		event := w.triggers()["workflow_call"]
		if err := event.Decode(&call); err != nil {
			t.Fatal(err)
		}
		text += "\n" + table("Input", call.Inputs) + "\n" + table("Secret", call.Secrets) + "\n" + table("Output", call.Outputs)
	}
	return text
}

func table(title string, rows map[string]input) string {
	text := fmt.Sprintf("| %s | |\n|---|---|\n", title)
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		text += fmt.Sprintf("| `%s` | %s", name, r.Description)
		switch {
		case r.Required:
			text += "; required"
		case r.Default != "":
			text += "; default `" + r.Default + "`"
		}
		text += " |\n"
	}
	return text
}

// TestReadme: the tables say what action and workflows have. -update writes
// them.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile(root + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	parts := regexp.MustCompile(`(?m)^\| (Input|Output|Secret) \| \|\n(\|.*\n)+`)
	want := strings.Split(tables(t), "\n\n")
	i := 0
	updated := parts.ReplaceAllStringFunc(readme, func(string) string {
		i++
		return strings.TrimSpace(want[min(i, len(want))-1]) + "\n"
	})
	if i != len(want) {
		t.Fatalf("the README has %d tables, want %d", i, len(want))
	}
	if *update {
		if err := os.WriteFile(root+"README.md", []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(updated, readme); diff != "" {
		t.Errorf("README.md (`go test ./test/github -update` writes it; -want +got):\n%s", diff)
	}
}

// TestInputsAreUsed: what the action takes reaches its script, and that looks
// at it.
func TestInputsAreUsed(t *testing.T) {
	script, err := os.ReadFile(root + "actions/build/build.sh")
	if err != nil {
		t.Fatal(err)
	}
	action := load(t, "actions/build/action.yml")
	env := action.Runs.Steps[len(action.Runs.Steps)-1].Env
	for name := range action.Inputs {
		variable := "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if got, want := env[variable], "${{ inputs."+name+" }}"; got != want {
			t.Errorf("%s is %q, want %q", variable, got, want)
		}
		if !strings.Contains(string(script), "$"+variable+`"`) && !strings.Contains(string(script), "$"+variable+" ") {
			t.Errorf("build.sh does not use %s", variable)
		}
	}
}
