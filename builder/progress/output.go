package progress

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// keep is how many of the last lines of a step's output are remembered.
	keep = 24
	// keepErrors is how many of the first errors in the output are, and below
	// how many lines after each: the code and the notes that belong to it.
	keepErrors = 8
	below      = 2
	// width is how many bytes of each line are remembered.
	width = 4 << 10
)

// errorLine matches what compilers and build tools say where they fail: gcc,
// clang, javac, rustc, CMake, configure, Python, Maven, npm and linkers by the
// word, the Go compiler by a place without one, the go command by its name.
var errorLine = regexp.MustCompile(`(?i)(^|[\s:])(fatal )?error(\[\w+\])?( at |:)|undefined reference to|cannot find -l|` +
	`^(\./|\.\./)?[\w./@+-]+\.\w+:\d+:\d+: |^npm (error|ERR!)|^\[ERROR\]|^go: `)

// noErrorLine matches what only looks so.
var noErrorLine = regexp.MustCompile(`(?i):\d+: (warning|note|remark)\b|^go: (downloading|finding|found|added|upgraded|extracting) `)

// numbered is a line of output, counted from 0.
type numbered struct {
	n    int
	text string
}

// output is what is remembered of what a step printed.
type output struct {
	n       int // lines so far
	partial string
	tail    []numbered
	errors  []numbered
	found   int // errors among them
	until   int // lines before this one belong to the last error
}

// write adds text, which need not end with a whole line.
func (o *output) write(text string) {
	for line := range strings.Lines(text) {
		whole, ended := strings.CutSuffix(line, "\n")
		o.partial += whole[:min(len(whole), width-len(o.partial))]
		if ended {
			o.add(strings.TrimSuffix(o.partial, "\r"))
			o.partial = ""
		}
	}
}

func (o *output) add(text string) {
	line := numbered{o.n, text}
	o.n++
	o.tail = append(o.tail, line)
	o.tail = o.tail[max(0, len(o.tail)-keep):]
	switch {
	case o.found < keepErrors && errorLine.MatchString(text) && !noErrorLine.MatchString(text):
		o.found++
		o.until = line.n + 1 + below
		o.errors = append(o.errors, line)
	case line.n < o.until:
		o.errors = append(o.errors, line)
	}
}

// lines are the errors and the last lines, with a mark where some are left
// out, and without empty ones at the end.
func (o *output) lines() []string {
	all := slices.Clone(o.tail)
	if o.partial != "" {
		all = append(all, numbered{o.n, o.partial})
	}
	for len(all) > 0 && strings.TrimSpace(all[len(all)-1].text) == "" {
		all = all[:len(all)-1]
	}
	if len(all) > 0 {
		earlier := slices.DeleteFunc(slices.Clone(o.errors), func(l numbered) bool { return l.n >= all[0].n })
		all = append(earlier, all...)
	}
	var list []string
	for i, l := range all {
		if i > 0 && l.n > all[i-1].n+1 {
			list = append(list, fmt.Sprintf("… %d lines", l.n-all[i-1].n-1))
		}
		list = append(list, l.text)
	}
	return list
}
