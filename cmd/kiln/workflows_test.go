package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestWorkflowsCallKiln: the commands and flags that actions and workflows of
// .github use are there.
func TestWorkflowsCallKiln(t *testing.T) {
	var files []string
	for _, pattern := range []string{"workflows/*.yml", "catalog/*.sh"} {
		some, err := filepath.Glob("../../.github/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	call := regexp.MustCompile(`\bkiln ((?:[a-z]+ ?)+)([^|)]*)`)
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// A command goes on where the next line is indented and begins with a flag.
		joined := regexp.MustCompile(`\\?\n\s+--`).ReplaceAllString(string(text), " --")
		for line := range strings.Lines(joined) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, m := range call.FindAllStringSubmatch(line, -1) {
				checkCall(t, file, strings.Fields(m[1]), m[2], seen)
			}
		}
	}
	for _, want := range []string{"catalog lint", "catalog lock", "catalog build", "catalog matrix", "catalog list", "catalog site", "relock", "update", "audit", "diff"} {
		if !seen[want] {
			t.Errorf("nothing calls kiln %s", want)
		}
	}
}

func checkCall(t *testing.T, file string, words []string, rest string, seen map[string]bool) {
	t.Helper()
	commands, path := newApp(io.Discard, io.Discard).Commands, []string{}
	var found *cli.Command
	for _, w := range words {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(w) })
		if i < 0 {
			break
		}
		found, commands, path = commands[i], commands[i].Subcommands, append(path, w)
	}
	if found == nil || len(commands) > 0 {
		return // words about kiln
	}
	name := strings.Join(path, " ")
	seen[name] = true
	for _, flag := range regexp.MustCompile(`(?:^|\s)--([a-z-]+)`).FindAllStringSubmatch(rest, -1) {
		if !slices.ContainsFunc(found.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), flag[1]) }) {
			t.Errorf("%s: kiln %s has no flag --%s", file, name, flag[1])
		}
	}
}
