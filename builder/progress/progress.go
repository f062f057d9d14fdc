// Package progress shows what an engine does while it does it, and remembers
// what each step printed, so that an error can show the last of it.
//
// It is for BuildKit's status stream only. Start at [New].
package progress

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

// Display shows the progress of any number of solves, one after another or at
// the same time.
type Display struct {
	screen *screen
	label  string
}

// New returns a display that writes to out. Mode is auto, plain, tty, rawjson
// or quiet; auto is tty on a terminal and quiet elsewhere.
func New(out io.Writer, mode string) (*Display, error) {
	m := progressui.DisplayMode(mode)
	if mode == "auto" || mode == "" {
		m = progressui.TtyMode
		if _, err := progressui.NewDisplay(out, m); err != nil {
			m = progressui.QuietMode
		}
	}
	if _, err := progressui.NewDisplay(out, m); err != nil {
		return nil, errors.New("--progress: want auto, plain, tty, rawjson or quiet; tty needs a terminal")
	}
	return &Display{screen: &screen{out: out, mode: m}}, nil
}

// Labelled is the same display with label before the name of each step.
func (d *Display) Labelled(label string) *Display { return &Display{screen: d.screen, label: label} }

// Terminal reports whether progress is shown as lines that change in place.
func (d *Display) Terminal() bool { return d.screen.mode == progressui.TtyMode }

// Watch is one solve being shown.
type Watch struct {
	// Status is for the solve, which closes it.
	Status chan *client.SolveStatus

	done chan struct{}
	hide sync.Once
	want chan struct{} // closed to hide it
	gone chan struct{} // closed when it is hidden

	mu    sync.Mutex
	ended map[string]bool    // vertexes, by digest
	logs  map[string]*output // by vertex digest
	name  map[string]string
}

// Watch starts to show a solve under the given title.
func (d *Display) Watch(title string) *Watch {
	w := &Watch{
		Status: make(chan *client.SolveStatus), done: make(chan struct{}),
		want: make(chan struct{}), gone: make(chan struct{}),
		logs: map[string]*output{}, name: map[string]string{}, ended: map[string]bool{},
	}
	shown := d.screen.join(title)
	go func() {
		defer close(w.done)
		hidden := w.show(shown, d.label)
		d.screen.leave()
		close(w.gone)
		if hidden {
			for s := range w.Status {
				w.remember(s)
			}
		}
	}()
	return w
}

// show returns when the solve has ended, or is to be hidden.
func (w *Watch) show(shown chan<- *client.SolveStatus, label string) (hidden bool) {
	for {
		select {
		case s, ok := <-w.Status:
			if !ok {
				return false
			}
			w.remember(s)
			shown <- named(s, label)
		case <-w.want:
			return true
		}
	}
}

// Hide takes the solve from the display, so that something else can be shown
// in its place. What its steps print is still remembered.
func (w *Watch) Hide() {
	w.hide.Do(func() { close(w.want) })
	<-w.gone
}

// Ended waits a moment for the end of the step with the given digest, whose
// last lines may come after its error.
func (w *Watch) Ended(ctx context.Context, digest string) {
	for range 40 {
		w.mu.Lock()
		ended := w.ended[digest]
		w.mu.Unlock()
		if ended {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Wait returns when all has been shown.
func (w *Watch) Wait() { <-w.done }

func (w *Watch) remember(s *client.SolveStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range s.Vertexes {
		w.name[v.Digest.String()] = v.Name
		if v.Completed != nil {
			w.ended[v.Digest.String()] = true
		}
	}
	for _, l := range s.Logs {
		id := l.Vertex.String()
		if w.logs[id] == nil {
			w.logs[id] = &output{}
		}
		w.logs[id].write(string(l.Data))
	}
}

// Step returns the name of the step with the given digest and what it printed:
// the last lines, and before them those further up that look like a compiler's
// errors, which the output of others may follow when several run at once.
func (w *Watch) Step(digest string) (name string, lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.logs[digest]; o != nil {
		lines = o.lines()
	}
	return w.name[digest], lines
}

// Named returns what Step does, for the step that is shown under the name.
func (w *Watch) Named(name string) (lines []string) {
	w.mu.Lock()
	var digest string
	for d, n := range w.name {
		if n == name {
			digest = d
		}
	}
	w.mu.Unlock()
	_, lines = w.Step(digest)
	return lines
}
