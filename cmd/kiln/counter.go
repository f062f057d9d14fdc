package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// counter shows on a terminal how many of several things are done: one line,
// written over itself, gone when all are. A nil counter shows nothing.
type counter struct {
	out  io.Writer
	now  func() time.Time
	noun string

	mu          sync.Mutex
	done, total int
	shown       time.Time
}

// newCounter returns a counter where terminal is true, and else nil.
func newCounter(out io.Writer, noun string, terminal bool) *counter {
	if !terminal {
		return nil
	}
	return &counter{out: out, now: time.Now, noun: noun}
}

// more says that there are n more to do.
func (c *counter) more(n int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += n
}

// step says that one more is done.
func (c *counter) step() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if now := c.now(); now.Sub(c.shown) > 100*time.Millisecond || c.done == c.total {
		c.shown = now
		const width = 30
		full := width * c.done / max(c.total, 1)
		fmt.Fprintf(c.out, "\r\x1b[K[%s%s] %d of %d %s", strings.Repeat("#", full), strings.Repeat(".", width-full), c.done, c.total, c.noun)
	}
}

// clear takes the line away, if there is one.
func (c *counter) clear() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shown.IsZero() {
		fmt.Fprint(c.out, "\r\x1b[K")
	}
}
