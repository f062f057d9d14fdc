package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/test/docs"
)

// TestDocumentation runs the commands of each page of the documentation that
// need no engine, one after the other.
func TestDocumentation(t *testing.T) {
	pages, err := docs.Read(docs.Root)
	if err != nil {
		t.Fatal(err)
	}
	dir, ran := t.TempDir(), 0
	for _, p := range pages {
		script, blocks := sessionOf(p)
		if ran += blocks; blocks == 0 {
			continue
		}
		file := strings.ReplaceAll(strings.TrimSuffix(p.File, ".md"), "/", "_") + ".txtar"
		if err := os.WriteFile(filepath.Join(dir, file), txtar.Format(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if ran == 0 {
		t.Fatal("no page has commands that can be run")
	}
	params := scriptParams(t, dir)
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		return onRegistry(filepath.Join(env.WorkDir, ".docs"), env.Getenv("REGISTRY"))
	}
	params.Cmds["shows"] = shows
	testscript.Run(t, params)
}

// sessionOf is the page as a script: its blocks are files below .docs.
func sessionOf(p *docs.Page) (session *txtar.Archive, blocks int) {
	session = &txtar.Archive{}
	var s strings.Builder
	for i, b := range p.Blocks {
		name := fmt.Sprintf(".docs/%d", i)
		switch {
		case b.Engine || b.NotRun != "":
			continue
		case b.Runs():
			blocks++
		case b.File == "":
			continue
		}
		fmt.Fprintf(&s, "# %s:%d\n%s\n", p.File, b.Line, b.Before)
		if b.File != "" {
			fmt.Fprintf(&s, "mkdir %s\ncp $WORK/%s %s\n", filepath.Dir(b.File), name, b.File)
			session.Files = append(session.Files, txtar.File{Name: name, Data: []byte(b.Text)})
			continue
		}
		code := "0"
		if b.Exit != "" {
			code = b.Exit
		}
		fmt.Fprintf(&s, "exits %s sh -e $WORK/%s\n", code, name)
		session.Files = append(session.Files, txtar.File{Name: name, Data: []byte(b.Commands())})
		if out := b.Output(); out != "" {
			fmt.Fprintf(&s, "shows $WORK/%s.output\n", name)
			session.Files = append(session.Files, txtar.File{Name: name + ".output", Data: []byte(out)})
		}
	}
	session.Comment = []byte(s.String())
	return session, blocks
}

// onRegistry has the files name the registry of the test.
func onRegistry(dir, registry string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f, []byte(docs.On(registry, string(raw))), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// shows FILE: the last command said what is in the file.
func shows(ts *testscript.TestScript, _ bool, args []string) {
	got := ts.ReadFile("stderr") + ts.ReadFile("stdout")
	if line := docs.Missing(ts.ReadFile(args[0]), got, ts.Getenv("REGISTRY")); line != "" {
		ts.Fatalf("the page shows a line that was not said: %s", line)
	}
}

// commandNames are all visible commands that do something by themselves, as
// "catalog list".
func commandNames(prefix string, list []*cli.Command) []string {
	var names []string
	for _, c := range list {
		switch name := strings.TrimSpace(prefix + " " + c.Name); {
		case c.Hidden:
		case len(c.Subcommands) > 0:
			names = append(names, commandNames(name, c.Subcommands)...)
		default:
			names = append(names, name)
		}
	}
	return names
}

// TestCommandsDocumented: README's table has a row for each command, and the
// documentation an example.
func TestCommandsDocumented(t *testing.T) {
	pages, err := docs.Read(docs.Root)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, examples strings.Builder
	for row := range strings.Lines(string(readme)) {
		if strings.HasPrefix(row, "| `kiln ") {
			rows.WriteString(row)
		}
	}
	for _, p := range pages {
		for _, b := range p.Blocks {
			if b.Runs() {
				examples.WriteString(b.Commands() + "\n")
			}
		}
	}
	for _, name := range commandNames("", newApp(io.Discard, io.Discard).Commands) {
		if !regexp.MustCompile("`kiln " + name + "[` ]").MatchString(rows.String()) {
			t.Errorf("README's table of commands has no row for `kiln %s`", name)
		}
		if !regexp.MustCompile(`(?m)\bkiln ` + name + `(\s|\)|$)`).MatchString(examples.String()) {
			t.Errorf("no page has an example of `kiln %s`", name)
		}
	}
}
