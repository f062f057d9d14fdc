package site

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
)

//go:embed assets/*.html
var pages embed.FS

//go:embed assets/style.css
var style string

//go:embed assets/page.js
var script string

// Policy is the Content Security Policy of the pages: it is in each of them, and
// a server sends it as a header as well. Nothing is loaded from anywhere, and
// styles and scripts are the two that have these digests.
func Policy() string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", digest(style), digest(script))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

var templates = template.Must(template.New("site").Funcs(template.FuncMap{
	// The two texts are this package's own, and must be written as they are
	// for their digests to be right.
	"style":     func() template.CSS { return template.CSS(style) }, //nolint:gosec // embedded, not foreign
	"script":    func() template.JS { return template.JS(script) },  //nolint:gosec // embedded, not foreign
	"csp":       Policy,
	"generator": func() string { return Generator },

	"mark": mark, "severityClass": severityClass, "day": day, "link": link, "size": size, "percent": percent,
	"plural": plural, "short": short, "words": words, "license": license, "paragraphs": paragraphs, "change": change,
	"join": strings.Join, "chart": newChart, "counted": counted,
}).ParseFS(pages, "assets/*.html"))

// mark says by its shape what the color says.
func mark(l Level) string {
	switch l {
	case Good:
		return "✓"
	case Attention:
		return "!"
	case Bad:
		return "✕"
	}
	return "–"
}

// Severities, the worst first, as pages count them.
var severities = []string{"critical", "high", "unknown", "medium", "low", "none"}

// SeverityRank orders severities, the worst first.
func SeverityRank(s string) int { return slices.Index(severities, severityClass(s)) }

// severityClass is a word of the style; of what nobody knows, unknown.
func severityClass(s string) string {
	if slices.Contains(severities, s) {
		return s
	}
	return "unknown"
}

// day is a time's day in UTC, empty where it is not known.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// link is a URL that a page may link to, and empty for any other.
func link(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// size is a number of bytes for people.
func size(n int64) string {
	switch f := float64(n); {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", f/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", f/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", f/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

func percent(f float64) string {
	if f == 100 {
		return "all"
	}
	return fmt.Sprintf("%.1f%%", f)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short is a digest as people tell it from others, and other values whole.
func short(value string) string {
	if rest, ok := strings.CutPrefix(value, "sha256:"); ok && len(rest) > 12 {
		return rest[:12]
	}
	return value
}

// words are an identifier, such as not_affected, as text.
func words(id string) string { return strings.ReplaceAll(id, "_", " ") }

// license is an SPDX expression for people.
func license(expression string) string {
	if expression == "" || expression == "NOASSERTION" {
		return "not known"
	}
	return expression
}

// paragraphs are those of a text, which empty lines part.
func paragraphs(text string) []string {
	var list []string
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// change is how a size changed.
func change(from, to int64) string {
	switch {
	case from == to:
		return "the size is the same"
	case to > from:
		return size(to-from) + " larger"
	}
	return size(from-to) + " smaller"
}
