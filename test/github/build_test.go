package github

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of the README")

// recorder is a kiln that notes its arguments, each on a line between marks.
const recorder = `#!/bin/sh
for a in "$@"; do printf '<%s>\n' "$a"; done >"$ARGUMENTS"
echo '{"name":"nats","version":"2.15.2","digest":"sha256:01","reference":"r.corp/nats@sha256:01","signedBy":"me","platforms":[{"digest":"sha256:02"}],"unchanged":false}'
`

// action runs the script of the action with inputs, and returns what kiln was
// told, the outputs, the summary and what was printed.
func action(t *testing.T, inputs map[string]string) (args, outputs, summary, said string, err error) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("kiln"), []byte(recorder), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("../../.github/actions/build/build.sh")
	c.Env = []string{
		"PATH=" + dir + ":" + os.Getenv("PATH"), "ARGUMENTS=" + file("arguments"),
		"GITHUB_OUTPUT=" + file("outputs"), "GITHUB_STEP_SUMMARY=" + file("summary"),
	}
	for name, in := range load(t, "actions/build/action.yml").Inputs {
		value, ok := inputs[name]
		if !ok {
			value = in.Default
		}
		c.Env = append(c.Env, "INPUT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	out, err := c.CombinedOutput()
	read := func(name string) string {
		text, err := os.ReadFile(file(name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	return read("arguments"), read("outputs"), read("summary"), string(out), err
}

// inputs are those of a call, by name.
type inputs map[string]string

func TestBuildArguments(t *testing.T) {
	for _, c := range []struct {
		name   string
		inputs inputs
		want   []string
	}{
		{"the least", inputs{"file": "r.yaml"}, nil},
		{"a push", inputs{"file": "r", "push": "true", "tags": "r.corp:5000/nats:2.15, r.corp:5000/nats:2\n\n  r.corp:5000/nats\n"},
			[]string{"--push=r.corp:5000/nats:2.15", "--tag=2"}},
		{"no push", inputs{"file": "r", "push": "false", "tags": "r.corp/nats"}, nil},
		{"lists", inputs{"file": "r", "platforms": "linux/amd64,linux/arm64", "builder": "tcp://a:1,linux/arm64=tcp://b:1"},
			[]string{"--platform=linux/amd64", "--platform=linux/arm64", "--engine=tcp://a:1", "--engine=linux/arm64=tcp://b:1"}},
		{"caches hold commas", inputs{"file": "r", "cache-from": "type=gha,scope=${name}\ntype=registry,ref=r.corp/c\n", "cache-to": "type=local,dest=/c"},
			[]string{"--cache-from=type=gha,scope=${name}", "--cache-from=type=registry,ref=r.corp/c", "--cache-to=type=local,dest=/c"}},
		{"who signs", inputs{"file": "r", "keyless": "true", "public-sigstore": "true"}, []string{"--keyless", "--public-sigstore"}},
		{"a key, a variant", inputs{"file": "r", "key": "my keys/a.key", "target": "debug", "load": "true"},
			[]string{"--variant=debug", "--key=my keys/a.key", "--load"}},
		{"nothing is a script", inputs{"file": "r $(touch pwned) `id` *", "target": "'; id; '", "args": "--trusted-root=a \"b\".json\n--no-sources\n"},
			[]string{"--variant='; id; '", `--trusted-root=a "b".json`, "--no-sources"}},
	} {
		got, _, _, said, err := action(t, c.inputs)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, said)
		}
		want := ""
		for _, a := range append([]string{"build", c.inputs["file"], "--output", "json", "--progress", "plain"}, c.want...) {
			want += "<" + a + ">\n"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		inputs inputs
		want   string
	}{
		{inputs{}, "file: want the path of a recipe"},
		{inputs{"file": "--key=x"}, "file: want the path of a recipe"},
		{inputs{"file": "r", "push": "true"}, "tags: want where to push to"},
		{inputs{"file": "r", "push": "true", "tags": "a.corp/x,b.corp/x"}, "kiln pushes to one repository, got a.corp/x and b.corp/x"},
		{inputs{"file": "r", "push": "yes"}, "push: want true or false, got yes"},
	} {
		args, outputs, _, said, err := action(t, c.inputs)
		if err == nil || args != "" || outputs != "" || !strings.Contains(said, "::error title=kiln::") || !strings.Contains(said, c.want) {
			t.Errorf("%v: got %v, arguments %q, outputs %q, and it said %q; want an error with %q", c.inputs, err, args, outputs, said, c.want)
		}
	}
}

// TestBuildOutputs: of several digests the output is the image's.
func TestBuildOutputs(t *testing.T) {
	_, outputs, summary, said, err := action(t, inputs{"file": "r"})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	lines := strings.Split(outputs, "\n")
	if len(lines) != 5 || lines[0] != "digest=sha256:01" || !strings.HasPrefix(lines[1], "metadata<<kiln-") ||
		!strings.HasPrefix(lines[2], `{"name":"nats"`) || lines[3] != strings.TrimPrefix(lines[1], "metadata<<") {
		t.Errorf("the outputs are:\n%s", outputs)
	}
	for _, want := range []string{"### nats 2.15.2\n", "| Image | `r.corp/nats@sha256:01` |\n", "| State | built |\n", "| Signed by | `me` |\n"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, summary)
		}
	}
}
