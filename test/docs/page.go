// Package docs reads the project's Markdown for the tests that hold it to
// what it says: its links lead somewhere, and its commands run.
//
// A fenced block of sh or console is run as it stands, one after the other on
// a page, with registry.corp a registry of the test. Comments before a block,
// which nobody sees, say what a reader would have:
//
//	<!-- before
//	exec cp -r $CATALOG/hello .
//	-->
//
// are lines of a test script (in a page or block that an engine runs: of a
// shell), <!-- file: NAME --> has a block written to a file, <!-- exit: N -->
// says how the block ends. <!-- engine --> leaves a block, or before the
// page's title the whole page, to the end-to-end tests, and
// <!-- not run: REASON --> says why none can run it.
//
// Start at [Read].
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is a Markdown file.
type Page struct {
	// File is its path from the repository's root, with slashes.
	File string
	// Engine is true where the end-to-end tests run the whole page.
	Engine bool
	Blocks []Block
	// Links are the targets of links, as they are written.
	Links []string
	// Anchors are the names of headings, as GitHub makes them.
	Anchors []string
	// Code are the texts of code in the page's lines, such as `kiln lint`.
	Code []string
}

// Block is a fenced block.
type Block struct {
	// Line is that of its first line of text, from 1.
	Line           int
	Language, Text string
	// Before is run first; File is written, where it has a name.
	Before, File string
	// Exit is how its last command ends.
	Exit string
	// Engine says that it takes an engine; NotRun is why nobody runs it.
	Engine bool
	NotRun string
}

// Root is the repository's folder, seen from a folder two below it.
const Root = "../.."

// Read reads all pages below root that are the project's own: not what tests
// compare with.
func Read(root string) ([]*Page, error) {
	var pages []*Page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case relErr != nil:
			return relErr
		case d.IsDir() && (slices.Contains([]string{".git", ".work", "bin", "testdata", "src", "node_modules"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		raw, err := os.ReadFile(path) //nolint:gosec // of the repository
		if err != nil {
			return err
		}
		p, err := parse(filepath.ToSlash(rel), raw)
		pages = append(pages, p)
		return err
	})
	return pages, err
}

func parse(file string, raw []byte) (*Page, error) {
	p := &Page{File: file}
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(raw))
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			p.Links = append(p.Links, string(n.Destination))
		case *ast.Image:
			p.Links = append(p.Links, string(n.Destination))
		case *ast.CodeSpan:
			p.Code = append(p.Code, textOf(n, raw))
		case *ast.Heading:
			p.anchor(textOf(n, raw))
			if n.Level == 1 {
				marks, err := marksBefore(n, raw)
				_, p.Engine = marks["engine"]
				return ast.WalkContinue, err
			}
		case *ast.FencedCodeBlock:
			return ast.WalkContinue, p.block(n, raw)
		}
		return ast.WalkContinue, nil
	})
	return p, err
}

func (p *Page) block(n *ast.FencedCodeBlock, raw []byte) error {
	b := Block{Language: string(n.Language(raw)), Text: string(n.Lines().Value(raw)), Engine: p.Engine}
	if n.Lines().Len() > 0 {
		b.Line = 1 + strings.Count(string(raw[:n.Lines().At(0).Start]), "\n")
	}
	marks, err := marksBefore(n, raw)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", p.File, b.Line, err)
	}
	b.Before, b.File, b.Exit, b.NotRun = marks["before"], marks["file"], marks["exit"], marks["not run"]
	if _, ok := marks["engine"]; ok {
		b.Engine = true
	}
	p.Blocks = append(p.Blocks, b)
	return nil
}

// marksBefore are the comments that stand right before a node, by their first
// words.
func marksBefore(n ast.Node, raw []byte) (map[string]string, error) {
	marks := map[string]string{}
	for p := n.PreviousSibling(); p != nil && p.Kind() == ast.KindHTMLBlock; p = p.PreviousSibling() {
		h := p.(*ast.HTMLBlock)
		all := string(h.Lines().Value(raw))
		if h.HasClosure() {
			all += string(h.ClosureLine.Value(raw))
		}
		for one := range strings.SplitSeq(all, "-->") {
			one = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(one), "<!--"))
			if one == "" {
				continue
			}
			word, rest := one, ""
			if i := strings.IndexAny(one, ":\n"); i >= 0 {
				word, rest = one[:i], strings.TrimSpace(one[i+1:])
			}
			if !slices.Contains([]string{"before", "file", "exit", "engine", "not run", "note"}, word) {
				return nil, fmt.Errorf("unknown comment %q before a block", word)
			}
			if word == "not run" && rest == "" {
				return nil, fmt.Errorf("no reason is given why the block is not run")
			}
			marks[word] = rest
		}
	}
	return marks, nil
}

func textOf(n ast.Node, raw []byte) string {
	var s strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			s.Write(t.Segment.Value(raw))
			continue
		}
		s.WriteString(textOf(c, raw))
	}
	return s.String()
}

// anchor adds the name that GitHub gives to a heading.
func (p *Page) anchor(heading string) {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
	unique := name
	for i := 1; slices.Contains(p.Anchors, unique); i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	p.Anchors = append(p.Anchors, unique)
}
