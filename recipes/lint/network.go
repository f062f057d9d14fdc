package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// fetchers are programs that fetch, and by which words; without words they
// always do.
func fetchers() map[string][]string {
	installs := []string{"install", "download"}
	return map[string][]string{
		"curl": nil, "wget": nil, "aria2c": nil, "rsync": nil, "scp": nil, "ssh": nil,
		"git":  {"clone", "fetch", "pull", "submodule", "ls-remote"},
		"npm":  {"install", "i", "ci", "update"},
		"npx":  nil,
		"yarn": {"install", "add"}, "pnpm": {"install", "add", "i"},
		"pip": installs, "pip3": installs, "gem": installs,
		"go":    {"get"},
		"cargo": {"install", "fetch", "update"},
		"apt":   {"install", "update"}, "apt-get": {"install", "update"},
	}
}

// network finds a command that fetches. Its words are empty where they are
// not known.
func (c *checker) network(words []string, at recipes.Pos) {
	program := path.Base(words[0])
	verbs, known := fetchers()[program]
	if !known || c.online || offline(words) {
		return
	}
	if verbs != nil {
		i := slices.IndexFunc(words[1:], func(w string) bool { return !strings.HasPrefix(w, "-") })
		if i < 0 || !slices.Contains(verbs, words[1+i]) {
			return
		}
		program += " " + words[1+i]
	}
	c.add(RuleNetwork, at, program+" needs the network, which steps do not have")
}

// offline is whether a word says that nothing is to be fetched.
func offline(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "--offline" || w == "--no-index" || w == "--version"
	})
}
