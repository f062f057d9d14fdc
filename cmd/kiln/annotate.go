package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// annotation is a message that GitHub shows beside a line of a file, as a
// workflow command ("Workflow commands for GitHub Actions", setting an error
// message).
type annotation struct {
	// level is error, warning or notice.
	level string
	// problem has the place, the message and the way out. Without a file the
	// message is about the run.
	problem recipes.Problem
	title   string
}

// command is the workflow command, without a line break. A file below the
// workspace is named relative to it.
func (a annotation) command(workspace string) string {
	var properties []string
	property := func(name, value string) {
		properties = append(properties, name+"="+escapeProperty.Replace(value))
	}
	if p := a.problem; p.File != "" {
		property("file", inWorkspace(workspace, p.File))
		if p.Pos.Line > 0 {
			property("line", fmt.Sprint(p.Pos.Line))
			property("col", fmt.Sprint(p.Pos.Col))
		}
	}
	property("title", a.title)
	text := a.problem.Msg
	if a.problem.Hint != "" {
		text += "\nhint: " + a.problem.Hint
	}
	return "::" + a.level + " " + strings.Join(properties, ",") + "::" + escapeText.Replace(text)
}

// What a command's text and its properties cannot hold as it is
// (actions/toolkit, docs/commands.md).
var (
	escapeText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// inWorkspace is the file's path in the repository, which is checked out in
// workspace; one that is elsewhere keeps its whole path.
func inWorkspace(workspace, file string) string {
	abs, err := filepath.Abs(file)
	if err != nil || workspace == "" {
		return file
	}
	rel, err := filepath.Rel(workspace, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return abs
	}
	return filepath.ToSlash(rel)
}

// annotate writes a workflow command for each mistake that err is about.
func annotate(w io.Writer, workspace string, err error) {
	for _, p := range mistakes(err) {
		fmt.Fprintln(w, annotation{level: "error", problem: p, title: "kiln"}.command(workspace))
	}
}

// mistakes takes an error apart into those that have a place.
func mistakes(err error) []recipes.Problem {
	var list *recipes.Errors
	var stale *recipes.StaleError
	var step *builder.StepError
	var tests *builder.TestErrors
	var test *builder.TestError
	var place *builder.PlaceError
	switch {
	case errors.As(err, &list):
		return list.Problems
	case errors.As(err, &stale):
		return stale.Problems()
	case errors.As(err, &step):
		msg := strings.Join(append([]string{step.Message()}, step.Log...), "\n")
		return []recipes.Problem{{File: step.File, Pos: step.Pos, Msg: msg, Hint: hint(err)}}
	case errors.As(err, &tests):
		var all []recipes.Problem
		for _, t := range tests.List {
			all = append(all, mistakes(t)...)
		}
		return all
	case errors.As(err, &test):
		msg := strings.TrimSpace(strings.Join([]string{test.Message(), test.Stdout, test.Stderr}, "\n"))
		return []recipes.Problem{{File: test.File, Pos: test.Pos, Msg: msg, Hint: hint(err)}}
	case errors.As(err, &place):
		return []recipes.Problem{{File: place.File, Pos: place.Pos, Msg: place.Err.Error(), Hint: hint(err)}}
	}
	return []recipes.Problem{{Msg: message(err), Hint: hint(err)}}
}
