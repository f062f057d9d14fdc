package builder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// vulnMessage is what matters here of a message of govulncheck
// (golang.org/x/vuln, govulncheck's JSON output, protocol v1).
type vulnMessage struct {
	Config *struct {
		Protocol string `json:"protocol_version"`
		Name     string `json:"scanner_name"`
		Version  string `json:"scanner_version"`
		Go       string `json:"go_version"`
		Level    string `json:"scan_level"`
		Mode     string `json:"scan_mode"`
	} `json:"config"`
	Finding *vulnFinding `json:"finding"`
}

type vulnFinding struct {
	OSV   string      `json:"osv"`
	Trace []vulnFrame `json:"trace"`
}

type vulnFrame struct {
	Module   string `json:"module"`
	Package  string `json:"package"`
	Function string `json:"function"`
	Receiver string `json:"receiver"`
	Position *struct {
		File   string `json:"filename"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
	} `json:"position"`
}

// addAnalysis adds what govulncheck said of a program.
func addAnalysis(a *recipes.Analysis, program, text string) error {
	configured := false
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var m vulnMessage
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading what %s said: %w", analyser, err)
		}
		if c := m.Config; c != nil {
			if !strings.HasPrefix(c.Protocol, "v1.") || c.Level != "symbol" || c.Mode != "" && c.Mode != "source" {
				return fmt.Errorf("%s speaks %s and looked at %s %s, want v1 and symbols of source", analyser, c.Protocol, c.Level, c.Mode)
			}
			configured = true
			a.Analyser, a.Go = strings.TrimSpace(c.Name+" "+c.Version), c.Go
		}
		if m.Finding != nil && len(m.Finding.Trace) > 0 {
			addReach(a, reachOf(m.Finding))
		}
	}
	if !configured {
		return fmt.Errorf("%s did not say what it looked at", analyser)
	}
	a.Programs = append(a.Programs, program)
	slices.SortFunc(a.Reaches, func(x, y recipes.Reach) int {
		return cmp.Or(strings.Compare(x.Advisory, y.Advisory), strings.Compare(x.Module, y.Module))
	})
	return nil
}

// reachOf is what one finding says. Its first frame is what the advisory is
// about, as far as that was looked for.
func reachOf(f *vulnFinding) recipes.Reach {
	about := f.Trace[0]
	r := recipes.Reach{Advisory: f.OSV, Module: about.Module, Level: recipes.ReachRequired}
	switch {
	case about.Function != "":
		r.Level = recipes.ReachCalled
		for _, frame := range slices.Backward(f.Trace) {
			r.Stack = append(r.Stack, frame.String())
		}
	case about.Package != "":
		r.Level = recipes.ReachImported
	}
	return r
}

func (f vulnFrame) String() string {
	name := f.Function
	if f.Receiver != "" {
		name = strings.TrimPrefix(f.Receiver, "*") + "." + name
	}
	text := f.Package + "." + name
	if f.Position != nil && f.Position.Line > 0 {
		text += fmt.Sprintf(" %s:%d:%d", strings.TrimPrefix(f.Position.File, srcDir+"/"), f.Position.Line, f.Position.Column)
	}
	return text
}

// addReach keeps the highest level, and of the ways there the shortest.
func addReach(a *recipes.Analysis, r recipes.Reach) {
	i := slices.IndexFunc(a.Reaches, func(have recipes.Reach) bool {
		return have.Advisory == r.Advisory && have.Module == r.Module
	})
	if i < 0 {
		a.Reaches = append(a.Reaches, r)
		return
	}
	levels := []string{recipes.ReachRequired, recipes.ReachImported, recipes.ReachCalled}
	have := a.Reaches[i]
	order := cmp.Or(
		slices.Index(levels, r.Level)-slices.Index(levels, have.Level),
		len(have.Stack)-len(r.Stack), slices.Compare(have.Stack, r.Stack))
	if order > 0 {
		a.Reaches[i] = r
	}
}
