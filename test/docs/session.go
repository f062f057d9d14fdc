package docs

import (
	"regexp"
	"strings"
)

// Runs reports whether the block has commands.
func (b Block) Runs() bool { return b.Language == "sh" || b.Language == "console" }

// Commands are the commands of the block as a script for a shell: all of an sh
// block, and of a console what follows "$ ".
func (b Block) Commands() string {
	if b.Language != "console" {
		return b.Text
	}
	var s strings.Builder
	for _, step := range b.steps() {
		s.WriteString(step.command + "\n")
	}
	return s.String()
}

// Output is what a console shows that the commands say, in all of it.
func (b Block) Output() string {
	var s strings.Builder
	if b.Language == "console" {
		for _, step := range b.steps() {
			s.WriteString(step.output)
		}
	}
	return s.String()
}

type step struct{ command, output string }

// steps are the commands of a console with what each says. A line that begins
// with "> " goes on a command.
func (b Block) steps() []step {
	var list []step
	for line := range strings.Lines(b.Text) {
		line = strings.TrimSuffix(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		more, isMore := strings.CutPrefix(line, "> ")
		switch {
		case isCommand:
			list = append(list, step{command: command})
		case len(list) == 0:
			list = append(list, step{output: line + "\n"})
		case isMore && list[len(list)-1].output == "":
			list[len(list)-1].command += "\n" + more
		default:
			list[len(list)-1].output += line + "\n"
		}
	}
	return list
}

var (
	digits = regexp.MustCompile(`[0-9]+`)
	spaces = regexp.MustCompile(`[ \t]+`)
	cut    = regexp.MustCompile(`sha256:[0-9a-f]+…`)
)

// Missing returns the first line that a page shows and the output lacks, in
// order; "" where there is none. Numbers are any numbers, columns may be
// wider, and … is any text.
func Missing(shown, got, registry string) string {
	got = strings.ReplaceAll(got, registry, "registry.corp")
	lines := strings.Split(plain(got), "\n")
	for line := range strings.Lines(shown) {
		want := strings.TrimSpace(plain(cut.ReplaceAllString(line, "sha256:…")))
		if want == "" || want == "…" {
			continue
		}
		re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		at := 0
		for at < len(lines) && !re.MatchString(strings.TrimSpace(lines[at])) {
			at++
		}
		if at == len(lines) {
			return strings.TrimSpace(line)
		}
		lines = lines[at+1:]
	}
	return ""
}

func plain(s string) string {
	return spaces.ReplaceAllString(digits.ReplaceAllString(s, "0"), " ")
}

// On has the text's registry.corp replaced by a registry of the test.
func On(registry, text string) string { return strings.ReplaceAll(text, "registry.corp", registry) }
