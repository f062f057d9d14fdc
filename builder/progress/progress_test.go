package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

func TestNew(t *testing.T) {
	for mode, want := range map[string]bool{"auto": true, "": true, "plain": true, "rawjson": true, "quiet": true, "tty": false, "loud": false} {
		_, err := New(&bytes.Buffer{}, mode)
		if got := err == nil; got != want {
			t.Errorf("%q: got %v", mode, err)
		}
	}
}

// solve sends what a solve of one step would.
func solve(t *testing.T, mode string, logs ...string) (*Watch, string) {
	t.Helper()
	var out bytes.Buffer
	d, err := New(&out, mode)
	if err != nil {
		t.Fatal(err)
	}
	w := d.Watch("building")
	id := digest.FromString("step")
	w.Status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "[recipe.yaml:12] make"}}}
	for _, text := range logs {
		w.Status <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: id, Stream: 1, Data: []byte(text)}}}
	}
	close(w.Status)
	w.Wait()
	return w, out.String()
}

func TestStepRemembersTheLastLines(t *testing.T) {
	w, _ := solve(t, "quiet", "one\ntw", "o\n", "three\n\n")
	name, lines := w.Step(digest.FromString("step").String())
	if diff := cmp.Diff([]string{"one", "two", "three"}, lines); diff != "" || name != "[recipe.yaml:12] make" {
		t.Errorf("%s\n%s", name, diff)
	}
	if name, lines := w.Step("another"); name != "" || len(lines) > 0 {
		t.Errorf("got %q, %q", name, lines)
	}
}

func TestStepIsBounded(t *testing.T) {
	var logs []string
	for i := range 1000 {
		logs = append(logs, fmt.Sprintln("line", i))
	}
	logs = append(logs, strings.Repeat("x", 3*width), strings.Repeat("y", width)+"\n")
	w, _ := solve(t, "quiet", logs...)
	_, lines := w.Step(digest.FromString("step").String())
	if len(lines) != keep || lines[0] != "line 977" || lines[keep-1] != strings.Repeat("x", width) {
		t.Errorf("got %d lines from %q, the last of %d bytes", len(lines), lines[0], len(lines[keep-1]))
	}
}

// TestStepKeepsErrors: what a compiler complained of is shown even where the
// output of those that ran beside it follows.
func TestStepKeepsErrors(t *testing.T) {
	var noise strings.Builder
	for i := range 100 {
		fmt.Fprintln(&noise, "cc -c file", i)
	}
	for _, said := range []string{
		"src/main.c:12:5: error: 'x' undeclared\n   12 |   x = 1;\n      |   ^",
		"main.c:1:10: fatal error: zlib.h: No such file or directory\n    1 | #include <zlib.h>\n",
		"error[E0425]: cannot find value `x` in this scope\n --> src/main.rs:2:5\n  |",
		"./main.go:5:2: undefined: x\n",
		"/usr/bin/ld: main.o: in function `main': undefined reference to `f'\n",
		"CMake Error at CMakeLists.txt:3 (find_package):\n  By not providing x\n",
		"configure: error: no acceptable C compiler found in $PATH\n",
		"Main.java:3: error: ';' expected\n",
		"npm error code E404\n",
		"[ERROR] Failed to execute goal\n",
		"go: example.org/m@v1.0.0: verifying go.mod: checksum mismatch\n",
	} {
		w, _ := solve(t, "quiet", "first\n", noise.String(), said, "\nmain.c:1:1: warning: unused\ngo: downloading example.org/n v1.0.0\n", noise.String(), "make: *** [Makefile:3: all] Error 1\n")
		_, lines := w.Step(digest.FromString("step").String())
		text := strings.Join(lines, "\n")
		first, _, _ := strings.Cut(said, "\n")
		if lines[0] != first || !strings.Contains(text, strings.TrimSpace(said)) || !strings.Contains(text, "\n… ") ||
			lines[len(lines)-1] != "make: *** [Makefile:3: all] Error 1" || len(lines) > keep+keepErrors*(1+below)+2 {
			t.Errorf("of %q remains:\n%s", said, text)
		}
	}
}

func TestStepBoundsErrors(t *testing.T) {
	w, _ := solve(t, "quiet", strings.Repeat("a.c:1:1: error: x\n", 1000), strings.Repeat("more\n", 100))
	_, lines := w.Step(digest.FromString("step").String())
	if want := keepErrors + below + 1 + keep; len(lines) > want {
		t.Errorf("got %d lines, want at most %d", len(lines), want)
	}
}

func TestPlainShowsTheRecipesLine(t *testing.T) {
	_, out := solve(t, "plain", "hello from make\n")
	if !strings.Contains(out, "[recipe.yaml:12] make") {
		t.Errorf("got %q", out)
	}
	if _, out := solve(t, "auto", "hello\n"); out != "" {
		t.Errorf("auto without a terminal printed %q", out)
	}
}

// Solves that go on at the same time are shown as one list of steps, by label.
func TestSolvesShareTheScreen(t *testing.T) {
	var out bytes.Buffer
	d, err := New(&out, "plain")
	if err != nil {
		t.Fatal(err)
	}
	labels := []string{"linux/amd64", "linux/arm64"}
	var watches []*Watch
	for _, label := range labels {
		watches = append(watches, d.Labelled(label).Watch("building"))
	}
	at := time.Unix(1700000000, 0)
	for i, w := range watches {
		id := digest.FromString(labels[i])
		w.Status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "make", Started: &at}}}
	}
	for i, w := range watches {
		id := digest.FromString(labels[i])
		w.Status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "make", Started: &at, Completed: &at}}}
		close(w.Status)
		w.Wait()
		if name, _ := w.Step(id.String()); name != "make" {
			t.Errorf("got %q, want the step's own name", name)
		}
	}
	for _, label := range labels {
		if want := " " + label + " make\n"; !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out.String())
		}
	}
}

// TestHide: what is hidden is shown no more, and remembered still.
func TestHide(t *testing.T) {
	var out bytes.Buffer
	d, err := New(&out, "plain")
	if err != nil {
		t.Fatal(err)
	}
	w := d.Watch("building")
	id := digest.FromString("step")
	say := func(text string) {
		w.Status <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: id, Stream: 1, Data: []byte(text)}}}
	}
	w.Status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "make"}}}
	say("shown\n")
	w.Hide()
	w.Hide()
	before := out.String()
	say("hidden\n")
	now := time.Now()
	w.Status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "make", Completed: &now}}}
	w.Ended(t.Context(), id.String())
	close(w.Status)
	w.Wait()
	if _, lines := w.Step(id.String()); out.String() != before || strings.Contains(before, "hidden") || cmp.Diff([]string{"shown", "hidden"}, lines) != "" {
		t.Errorf("shown is\n%s\nremembered %q", out.String(), lines)
	}
}
