package progress_test

import (
	"fmt"
	"io"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/kiln-build/kiln/builder/progress"
)

// What a step printed can be asked for once it has failed.
func ExampleDisplay_Watch() {
	d, err := progress.New(io.Discard, "quiet")
	if err != nil {
		panic(err)
	}
	w := d.Watch("building")
	step := digest.FromString("a step")
	w.Status <- &client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: step, Name: "make install"}},
		Logs:     []*client.VertexLog{{Vertex: step, Data: []byte("no rule to make target\n")}},
	}
	close(w.Status) // the engine's client does this at the end of a solve
	w.Wait()
	fmt.Println(w.Step(step.String()))
	// Output:
	// make install [no rule to make target]
}
