package recipes

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxBytes bounds a recipe or lock; a lock of a thousand packages has 300 kB.
const maxBytes = 4 << 20

// maxDepth bounds nesting; the format itself needs six levels.
const maxDepth = 24

// parseYAML is the root node of the one YAML document in raw. It refuses what
// the formats do without: tags, anchors, aliases and merge keys, so that a
// document is as large as it looks. Where it adds to ps it returns nil.
func parseYAML(ps *problems, raw []byte) *yaml.Node {
	if !checkText(ps, raw) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(&doc) {
		ps.add(Pos{1, 1}, "start with `kiln: "+FormatVersion+"`", "the file is empty")
		return nil
	}
	if err == nil {
		err = dec.Decode(&second)
		if err == nil {
			ps.add(at(&second), "write each into a file of its own", "a second YAML document begins here")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		addSyntax(ps, raw, err)
		return nil
	}
	before := len(ps.list)
	checkNodes(ps, &doc, 0)
	if len(ps.list) > before {
		return nil
	}
	return doc.Content[0]
}

func checkText(ps *problems, raw []byte) bool {
	if len(raw) > maxBytes {
		ps.add(Pos{1, 1}, "", "the file has %d bytes, more than the %d that are read", len(raw), maxBytes)
		return false
	}
	if utf8.Valid(raw) {
		return true
	}
	good := 0
	for good < len(raw) {
		r, n := utf8.DecodeRune(raw[good:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		good += n
	}
	ps.add(posAfter(raw[:good]), "save the file as UTF-8", "the text is not UTF-8")
	return false
}

func isEmpty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" && doc.Content[0].Value == ""
}

func checkNodes(ps *problems, n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		ps.add(at(n), "", "the file is nested more than %d levels deep", maxDepth)
		return
	case n.Kind == yaml.AliasNode:
		ps.add(at(n), "write the value out, or use `vars`", "the alias *%s is not understood here", n.Value)
		return
	case n.Anchor != "":
		ps.add(at(n), "write the value out, or use `vars`", "the anchor &%s is not understood here", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		ps.add(at(n), "leave it out; quotes make a string", "the tag %s is not understood here", n.Tag)
	case n.Tag == "!!merge":
		ps.add(at(n), "write the fields out", "the merge key << is not understood here")
	}
	for _, c := range n.Content {
		checkNodes(ps, c, depth+1)
	}
}

// at is where a node begins.
func at(n *yaml.Node) Pos { return Pos{Line: n.Line, Col: n.Column} }

// posAfter is the place of what follows text.
func posAfter(text []byte) Pos {
	line := bytes.LastIndexByte(text, '\n') + 1
	return Pos{Line: bytes.Count(text, []byte("\n")) + 1, Col: utf8.RuneCount(text[line:]) + 1}
}

var yamlError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// addSyntax says in our form where the YAML ceases to be one. The parser names
// at best a line, and not always the right one, so the place is looked for: it
// is behind the longest beginning of the text that is YAML.
func addSyntax(ps *problems, raw []byte, err error) {
	m := yamlError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	pos := Pos{Line: 1, Col: 1}
	if line, err := strconv.Atoi(m[1]); err == nil {
		pos.Line = line
	}
	if found, ok := breaksAt(raw); ok {
		pos = found
	}
	ps.add(pos, syntaxHint(raw, pos), "reading yaml: %s", m[2])
}

// breaksAt looks for the end of the longest beginning of raw that is YAML: the
// line first, then the column. It gives up where that is much work, in bytes
// so that it always gives up at the same file.
func breaksAt(raw []byte) (Pos, bool) {
	work := 2 << 20
	isYAML := func(n int) bool {
		work -= n + 1
		return work > 0 && isYAML(raw[:n])
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	good := len(raw)
	for _, line := range slices.Backward(lines) {
		good -= len(line)
		if !isYAML(good) {
			continue
		}
		for j := len(line) - 1; j > 0; j-- {
			if isYAML(good + j) {
				return posAfter(raw[:good+j]), true
			}
		}
		return posAfter(raw[:good]), true
	}
	return Pos{}, false
}

func isYAML(raw []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func syntaxHint(raw []byte, pos Pos) string {
	lines := strings.Split(string(raw), "\n")
	if pos.Line > len(lines) {
		return ""
	}
	line := lines[pos.Line-1]
	switch blank := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; {
	case strings.Contains(blank, "\t"):
		return "indent with spaces; YAML allows no tabs there"
	case strings.Contains(line, "${"):
		return "within [ ] and { } a text with ${…} needs quotes"
	case strings.Contains(line, ": "):
		return `text with ": ", or beginning with one of {[*&!%@, needs quotes`
	}
	return ""
}
