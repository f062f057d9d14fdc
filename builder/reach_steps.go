package builder

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/kiln-build/kiln/recipes"
)

// AnalysisError says why the programs of a recipe cannot be analysed.
type AnalysisError struct {
	File string
	Pos  recipes.Pos
	Msg  string
	hint string
}

func (e *AnalysisError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: e.Msg}.String()
}

// Hint is the way out.
func (e *AnalysisError) Hint() string { return e.hint }

// analysable is nil where all Go programs of the plan come from go steps.
func (p *Plan) analysable() error {
	if len(p.programs) == 0 {
		return &AnalysisError{p.recipe.File, p.recipe.Pos("build.steps"), "no step is a go step, whose source could be analysed",
			"statements by hand stand in " + path.Base(p.recipe.VEXPath())}
	}
	for i, s := range p.recipe.Build.Steps {
		if why := mayCompileGo(s); why != "" {
			return &AnalysisError{p.recipe.File, s.Pos, fmt.Sprintf("step %d may compile Go programs, which would not be analysed: %s", i+1, why),
				"make it a go step, or copy files by install and cp alone"}
		}
	}
	return nil
}

// harmless reports whether a program is one of the system's that compile
// nothing. One of the same name elsewhere, such as ./install, may be anything.
func harmless(program string) bool {
	dir, name := path.Split(program)
	return slices.Contains([]string{"", "/bin/", "/usr/bin/"}, dir) && slices.Contains([]string{
		"install", "cp", "mv", "mkdir", "ln", "rm", "rmdir", "chmod", "touch", "cat", "echo", "printf", "sed", "cd", "set", "test", "[", "true", ":",
		"patch", "tar", "gzip", "strip", "sort", "head", "tail", "tr", "cut", "grep",
	}, name)
}

// mayCompileGo is why a step may make Go programs besides go steps; empty where
// it makes none.
func mayCompileGo(s recipes.Step) string {
	switch s.Kind() {
	case recipes.KindGo, recipes.KindFetch, recipes.KindCargo, recipes.KindNpm, recipes.KindPython, recipes.KindJava:
		return ""
	case recipes.KindRun:
		programs := s.Run.Command[:min(1, len(s.Run.Command))]
		if len(s.Run.Command) == 0 {
			var err error
			if programs, err = commands(s.Run.Script); err != nil {
				return err.Error()
			}
		}
		for _, name := range programs {
			if !harmless(name) {
				return "it runs " + name
			}
		}
		return ""
	}
	return "it runs " + s.Kind()
}

// commands are the programs that a script runs by name.
func commands(script string) ([]string, error) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, errors.New("its script cannot be read")
	}
	var names []string
	syntax.Walk(f, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			name := call.Args[0].Lit()
			if name == "" {
				name = "what a variable names"
			}
			names = append(names, name)
		}
		return true
	})
	return names, nil
}
