package main

import (
	"crypto/sha256"
	_ "embed" // the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign/policy"
)

//go:embed audit.html
var auditPage string

//go:embed audit.css
var auditStyle string

// auditHTML writes a page that needs nothing else: it has no script, and its
// policy for content allows its own style alone.
func auditHTML(w io.Writer, out *audit) error {
	page, err := template.New("audit").Funcs(template.FuncMap{"join": strings.Join}).Parse(auditPage)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(auditStyle))
	p := auditPageData{
		audit: out, Style: template.CSS(auditStyle), //nolint:gosec // it is kiln's own
		StyleHash: base64.StdEncoding.EncodeToString(sum[:]),
	}
	for n, i := range out.Images {
		p.Rows = append(p.Rows, newAuditRow(n, i))
	}
	return page.Execute(w, p)
}

// auditPageData is what the template is given.
type auditPageData struct {
	*audit
	Style     template.CSS
	StyleHash string
	Rows      []auditRow
}

// auditRow is an image in the table.
type auditRow struct {
	ID             string
	Image          auditView
	Cells          []string
	Verdict, Class string
}

func newAuditRow(n int, i *audited) auditRow {
	cells := i.cells()
	last := len(cells) - 1
	row := auditRow{ID: fmt.Sprintf("image-%d", n+1), Image: auditView{i}, Cells: cells[1:last], Verdict: cells[last]}
	switch {
	case len(i.violations()) > 0:
		row.Class = "bad"
	case len(i.Rules) > 0:
		row.Class = "good"
	}
	return row
}

// auditView is an image as templates can ask about it.
type auditView struct{ *audited }

// Title is how people call it.
func (v auditView) Title() string { return v.title() }

// Signed is who signed, in a word.
func (v auditView) Signed() string { return v.signed() }

// OriginText is what made it.
func (v auditView) OriginText() string { return v.originText() }

// Violations are the rules that refuse it.
func (v auditView) Violations() []policy.Result { return v.violations() }

// Open are the vulnerabilities that nothing suppresses.
func (v auditView) Open() []scan.Finding { return v.Vulnerabilities.open() }
