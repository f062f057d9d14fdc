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
	verb := ""
	for _, w := range words[1:] {
		if slices.Contains(verbs, w) {
			verb = w
			break
		}
		if !strings.HasPrefix(w, "-") {
			break // another verb
		}
	}
	if verbs != nil && verb == "" {
		return
	}
	c.add(RuleNetwork, at, strings.TrimSpace(program+" "+verb)+" needs the network, which steps do not have")
}

// offline is whether a word says that nothing is to be fetched.
func offline(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "--offline" || w == "--no-index" || w == "--version"
	})
}
