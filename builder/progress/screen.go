package progress

import (
	"context"
	"io"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

// screen is what the solves of one kiln are shown on. Those that go on at the
// same time share one list of steps.
type screen struct {
	out  io.Writer
	mode progressui.DisplayMode

	mu     sync.Mutex
	users  int
	status chan *client.SolveStatus
	done   chan struct{}
}

// join adds a solve; its status goes into the channel, until it leaves. The
// title counts where no other solve is being shown.
func (s *screen) join(title string) chan<- *client.SolveStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	if s.users == 1 {
		s.status, s.done = make(chan *client.SolveStatus), make(chan struct{})
		go s.show(title, s.status, s.done)
	}
	return s.status
}

// leave returns when all has been shown, if it was the last solve.
func (s *screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		close(s.status)
		<-s.done
	}
}

func (s *screen) show(title string, status chan *client.SolveStatus, done chan struct{}) {
	defer close(done)
	ui, err := progressui.NewDisplay(s.out, s.mode, progressui.WithPhase(title))
	if err == nil {
		// The stream's end, not a context, is what ends the display: it
		// must show why a cancelled solve ended.
		_, err = ui.UpdateFrom(context.Background(), status)
	}
	for range status { // what cannot be shown is still drained
	}
	_ = err // a display that breaks does not fail the build
}

// named is s with the label before the name of each step.
func named(s *client.SolveStatus, label string) *client.SolveStatus {
	if label == "" {
		return s
	}
	labelled := *s
	labelled.Vertexes = make([]*client.Vertex, len(s.Vertexes))
	for i, v := range s.Vertexes {
		vertex := *v
		vertex.Name = label + " " + v.Name
		labelled.Vertexes[i] = &vertex
	}
	return &labelled
}
