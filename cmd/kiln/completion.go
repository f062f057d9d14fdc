package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes/explain"
)

// completing is what a shell adds to the words so far to ask for the next.
const completing = "--generate-bash-completion"

// Shells ask kiln itself what could come next. Where it has nothing to say,
// they complete the names of files, such as recipes.
const (
	bashCompletion = `_kiln() {
	local cur=${COMP_WORDS[COMP_CWORD]} next
	next=$("${COMP_WORDS[@]:0:COMP_CWORD}" "$cur" ` + completing + ` 2>/dev/null)
	COMPREPLY=($(compgen -W "$next" -- "$cur"))
}
complete -o bashdefault -o default -F _kiln kiln
`
	zshCompletion = `#compdef kiln
_kiln() {
	local -a next
	next=(${(f)"$("${(@)words[1,CURRENT-1]}" "${words[CURRENT]}" ` + completing + ` 2>/dev/null)"})
	compadd -a next
	_files
}
compdef _kiln kiln
`
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a script that completes kiln's words in a shell", ArgsUsage: "bash|zsh|fish",
		Description:  "Example: kiln completion bash > /etc/bash_completion.d/kiln",
		OnUsageError: usageError,
		BashComplete: func(c *cli.Context) { fmt.Fprint(c.App.Writer, "bash\nzsh\nfish\n") },
		Action: func(c *cli.Context) error {
			script, err := completionScript(c.App, c.Args().Slice())
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, script)
			return err
		},
	}
}

func completionScript(app *cli.App, args []string) (string, error) {
	switch strings.Join(args, " ") {
	case "bash":
		return bashCompletion, nil
	case "zsh":
		return zshCompletion, nil
	case "fish":
		return app.ToFishCompletion()
	}
	return "", usagef("kiln completion: want bash, zsh or fish, got %q", strings.Join(args, " "))
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print kiln's manual page", Hidden: true, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return fmt.Errorf("writing the manual page: %w", err)
			}
			_, err = io.WriteString(c.App.Writer, page)
			return err
		},
	}
}

// completes makes every command answer a shell: with its subcommands, or with
// the flags that begin as the word that is being written does.
func completes(commands []*cli.Command) []*cli.Command {
	for _, cmd := range commands {
		completes(cmd.Subcommands)
		cmd.HideHelpCommand = true // there is --help
		words := cmd.BashComplete
		cmd.BashComplete = func(c *cli.Context) {
			word := writing(os.Args)
			if strings.HasPrefix(word, "-") {
				printFlags(c.App.Writer, cmd, word)
				return
			}
			for _, sub := range cmd.Subcommands {
				if !sub.Hidden {
					fmt.Fprintln(c.App.Writer, sub.Name)
				}
			}
			if words != nil {
				words(c)
			}
		}
	}
	return commands
}

// writing is the word that is being written: the one before completing.
func writing(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[len(args)-2]
}

func printFlags(w io.Writer, cmd *cli.Command, word string) {
	for _, f := range cmd.VisibleFlags() {
		for _, name := range f.Names() {
			if flag := "--" + name; len(name) > 1 && strings.HasPrefix(flag, word) {
				fmt.Fprintln(w, flag)
			}
		}
	}
}

// explainWords are the kinds of what can be explained, and the names of one.
func explainWords(c *cli.Context) {
	args := c.Args().Slice() // the last is the word that is being written
	next := explain.Kinds()
	if len(args) > 1 {
		next = explain.Names(args[0])
	}
	if len(args) > 2 {
		return
	}
	for _, n := range next {
		fmt.Fprintln(c.App.Writer, n)
	}
}
