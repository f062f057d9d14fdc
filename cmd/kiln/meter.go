package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// meter shows on a terminal how much of several downloads or uploads has
// arrived: one line, written over itself, gone when all is there. A nil meter
// shows nothing.
type meter struct {
	out   io.Writer
	title string
	now   func() time.Time

	mu          sync.Mutex
	done, total map[string]int64
	shown       time.Time
}

// newMeter returns a meter where terminal is true, and else nil.
func newMeter(out io.Writer, title string, terminal bool) *meter {
	if !terminal {
		return nil
	}
	return &meter{out: out, title: title, now: time.Now, done: map[string]int64{}, total: map[string]int64{}}
}

// report says that done of total bytes of the thing called name are there.
func (m *meter) report(name string, done, total int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done[name], m.total[name] = done, total
	if now := m.now(); now.Sub(m.shown) > 100*time.Millisecond {
		m.shown = now
		fmt.Fprintf(m.out, "\r\x1b[K%s %s of %s", m.title, megabytes(sum(m.done)), megabytes(sum(m.total)))
	}
}

// clear takes the line away, if there is one.
func (m *meter) clear() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shown.IsZero() {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
}

func sum(m map[string]int64) int64 {
	var n int64
	for _, v := range m {
		n += v
	}
	return n
}
