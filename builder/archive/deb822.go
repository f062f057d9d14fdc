package archive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// stanzas splits a deb822 document (deb822(5)) into its stanzas, one after
// another, without copying it.
type stanzas struct {
	rest []byte
}

// next returns the next stanza, without the blank line that ends it, or nil at
// the end of the document.
func (s *stanzas) next() []byte {
	s.rest = bytes.TrimLeft(s.rest, "\n")
	if len(s.rest) == 0 {
		return nil
	}
	end := bytes.Index(s.rest, []byte("\n\n"))
	if end < 0 {
		out := s.rest
		s.rest = nil
		return out
	}
	out := s.rest[:end+1]
	s.rest = s.rest[end+2:]
	return out
}

// errField says that a line is neither a field nor the continuation of one.
var errField = errors.New("line is not a deb822 field")

// eachField calls f with the name and value of every field of a stanza. A
// value keeps its line breaks. Comment lines are skipped.
func eachField(stanza []byte, f func(name, value []byte) error) error {
	for len(stanza) > 0 {
		line, after := cutLine(stanza)
		if len(line) > 0 && line[0] == '#' {
			stanza = after
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || line[0] == ' ' || line[0] == '\t' || line[0] == '-' {
			return fmt.Errorf("%w: %.80q", errField, line)
		}
		end := len(line)
		for len(after) > 0 && (after[0] == ' ' || after[0] == '\t') {
			_, after = cutLine(after)
		}
		if n := len(stanza) - len(after); n > len(line)+1 {
			end = n
		}
		if err := f(line[:colon], bytes.TrimSpace(stanza[colon+1:end])); err != nil {
			return err
		}
		stanza = after
	}
	return nil
}

func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// parseStanza returns the fields of the first stanza of b by their lower-case
// names. A field that occurs twice is an error (deb822(5), "Syntax").
func parseStanza(b []byte) (map[string]string, error) {
	fields := map[string]string{}
	s := stanzas{rest: b}
	err := eachField(s.next(), func(name, value []byte) error {
		key := strings.ToLower(string(name))
		if _, twice := fields[key]; twice {
			return fmt.Errorf("field %s occurs twice", name)
		}
		fields[key] = string(value)
		return nil
	})
	return fields, err
}
