package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// catalogScreen tells people how a catalog's build goes on: a line for each
// recipe that has ended, and on a terminal one about those that are being built.
type catalogScreen struct {
	out      io.Writer
	terminal bool
	total    int

	mu      sync.Mutex
	count   int
	running []string
}

func newCatalogScreen(out io.Writer, terminal bool) *catalogScreen {
	return &catalogScreen{out: out, terminal: terminal}
}

// about writes what is said about one recipe, a line at a time, with its name
// before it.
func (s *catalogScreen) about(title string) io.Writer {
	return &prefixed{screen: s, prefix: title + ": "}
}

type prefixed struct {
	screen *catalogScreen
	prefix string

	mu   sync.Mutex
	rest []byte
}

// Write keeps the beginning of a line until its end comes.
func (p *prefixed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		prefix := p.prefix
		if bytes.HasPrefix(line, []byte("::")) { // a workflow command
			prefix = ""
		}
		p.screen.print(prefix + string(line) + "\n")
		p.rest = rest
	}
}

func (s *catalogScreen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	io.WriteString(s.out, text) //nolint:errcheck // for people
	s.draw()
}

func (s *catalogScreen) wipe() {
	if s.terminal {
		io.WriteString(s.out, "\r\x1b[K") //nolint:errcheck // for people
	}
}

func (s *catalogScreen) draw() {
	if s.terminal && len(s.running) > 0 {
		fmt.Fprintf(s.out, "%s%s", s.progress(), clipped(strings.Join(s.running, ", "), 50))
	}
}

// progress says how many are done, where they are counted.
func (s *catalogScreen) progress() string {
	if s.total == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d done, building ", s.count, s.total)
}

func clipped(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

func (s *catalogScreen) began(title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = append(s.running, title)
	s.wipe()
	s.draw()
}

func (s *catalogScreen) left(title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.running, title); i >= 0 {
		s.running = slices.Delete(s.running, i, i+1)
	}
}

// ended says what became of a recipe. Of those that are unchanged only the
// number is told, at the end.
func (s *catalogScreen) ended(o *outcome) {
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	if o.Status == statusUnchanged {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s", o.Name, o.Version, o.Status)
	if o.Reason != "" {
		fmt.Fprintf(&b, ": %s", o.Reason)
	}
	fmt.Fprintf(&b, "  (%.1f s)\n", o.Seconds)
	for _, pin := range o.Pinned {
		fmt.Fprintf(&b, "  pinned      %s, in %s\n", pin, o.Recipe)
	}
	for _, res := range o.Images {
		fmt.Fprintf(&b, "  %s\n", res.Reference)
	}
	if o.err != nil {
		report(&b, o.err)
	}
	s.print(b.String())
}

func (s *catalogScreen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}
