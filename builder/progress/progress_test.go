package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

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
	logs = append(logs, strings.Repeat("x", 3*width), strings.Repeat("y", width))
	w, _ := solve(t, "quiet", logs...)
	_, lines := w.Step(digest.FromString("step").String())
	if len(lines) != keep || lines[0] != "line 961" || lines[keep-1] != strings.Repeat("x", width) {
		t.Errorf("got %d lines from %q, the last of %d bytes", len(lines), lines[0], len(lines[keep-1]))
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
