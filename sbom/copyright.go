package sbom

import (
	"regexp"
	"slices"
	"strings"
)

// copyright is what a machine-readable debian/copyright file says (Debian
// copyright format 1.0, "DEP-5").
type copyright struct {
	// licenses are the short names of the Files paragraphs, each once, in
	// their order.
	licenses []string
	// texts are license texts by short name, in lower case.
	texts map[string]string
	// notices are the copyright statements of the Files paragraphs.
	notices []string
}

// parseCopyright reads a copyright file; it returns false for one that is not
// machine-readable.
func parseCopyright(text string) (copyright, bool) {
	c := copyright{texts: map[string]string{}}
	paragraphs := parseParagraphs(text)
	if len(paragraphs) == 0 || !isFormat(paragraphs[0].text("format")) {
		return c, false
	}
	var ofPackaging []string
	for _, p := range paragraphs {
		name, body, _ := strings.Cut(p.text("license"), "\n")
		name = strings.Join(strings.Fields(name), " ")
		if name == "" && body != "" {
			name = "unnamed"
		}
		c.keepText(name, body)
		switch {
		case p.text("files") == "" || name == "":
		case onlyPackaging(p.text("files")):
			ofPackaging = append(ofPackaging, name)
		default:
			c.licenses = appendNew(c.licenses, name)
			c.notices = appendNew(c.notices, trimLines(p.text("copyright")))
		}
	}
	if c.licenses == nil {
		c.licenses = slices.Compact(ofPackaging)
	}
	return c, len(c.licenses) > 0
}

func isFormat(format string) bool {
	return strings.Contains(format, "copyright-format") || strings.Contains(format, "dep5") ||
		strings.Contains(format, "dep.debian.net")
}

func (c *copyright) keepText(name, body string) {
	key := strings.ToLower(name)
	if body = unfold(body); body != "" && c.texts[key] == "" {
		c.texts[key] = body
	}
}

// textAround is the text given for the first synopsis that atom is a part of.
func (c *copyright) textAround(atom string) string {
	for _, name := range c.licenses {
		if text := c.texts[strings.ToLower(name)]; text != "" && strings.Contains(name, atom) {
			return text
		}
	}
	return ""
}

// onlyPackaging reports whether patterns match nothing but debian/, of which
// nothing is in a binary package's payload.
func onlyPackaging(patterns string) bool {
	for _, p := range strings.Fields(patterns) {
		if !strings.HasPrefix(strings.TrimPrefix(p, "./"), "debian/") {
			return false
		}
	}
	return true
}

// paragraph holds the lines of fields, by the fields' names in lower case.
type paragraph map[string][]string

// text is what a field holds, empty where it is missing.
func (p paragraph) text(field string) string { return strings.Join(p[field], "\n") }

// parseParagraphs reads paragraphs of fields (Debian Policy, section 5.1).
// Lines that are neither a field nor a continuation are passed over.
func parseParagraphs(text string) []paragraph {
	var all []paragraph
	var p paragraph
	field := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			p, field = nil, ""
		case strings.HasPrefix(line, "#"):
		case line[0] == ' ' || line[0] == '\t':
			if field != "" {
				p[field] = append(p[field], line[1:])
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok || strings.ContainsAny(name, " \t") {
				field = ""
				continue
			}
			if p == nil {
				p = paragraph{}
				all = append(all, p)
			}
			field = strings.ToLower(name)
			p[field] = []string{strings.TrimSpace(value)}
		}
	}
	return all
}

// unfold undoes the writing of empty lines as single dots.
func unfold(body string) string {
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, " \t"); l == "." {
			l = ""
		}
		lines[i] = l
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

var notice = regexp.MustCompile(`(?i)(copyright|©).*\b(19|20)\d\d\b|copyright \(c\)`)

// findNotices are the lines of a text that state a copyright with a year.
func findNotices(text string) []string {
	var found []string
	for line := range strings.SplitSeq(text, "\n") {
		if notice.MatchString(line) {
			found = appendNew(found, strings.TrimSpace(line))
		}
	}
	return found
}
