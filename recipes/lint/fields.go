package lint

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiln-build/kiln/recipes"
)

func (c *checker) head() {
	r := c.Recipe
	const longest = 80 // characters
	if n := utf8.RuneCountInString(r.Summary); n > longest {
		c.add(RuleLongSummary, r.Pos("summary"), fmt.Sprintf("summary has %d characters, more than %d", n, longest))
	}
	if r.Homepage == "" {
		c.add(RuleMissingHomepage, r.Pos("name"), "the recipe names no homepage")
	}
	if strings.EqualFold(r.Version, "latest") {
		c.add(RuleLatestTag, r.Pos("version"), "the version is latest")
	}
	for at, ref := range map[string]string{"image.base": r.Image.Base, "build.image": r.Build.Image} {
		if strings.Contains(ref, ":latest@") {
			c.add(RuleLatestTag, r.Pos(at), at+" is pinned by digest, but named latest")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Vars)) {
		if !strings.Contains(string(r.Raw), "${vars."+name+"}") {
			c.add(RuleUnusedVar, r.Pos("vars."+name), fmt.Sprintf("nothing uses the variable %s", name))
		}
	}
}

// eol looks at when upstream's support of the version ends.
func (c *checker) eol() {
	end, err := time.Parse(time.DateOnly, c.Recipe.EOL)
	today, terr := time.Parse(time.DateOnly, c.Today)
	if err != nil || terr != nil {
		return
	}
	at := c.Recipe.Pos("eol")
	switch {
	case today.After(end.Add(c.EOL.GraceTime())):
		c.add(RuleEndOfLife, at, fmt.Sprintf("upstream mends %s %s no more since %s", c.Recipe.Name, c.Recipe.Version, c.Recipe.EOL))
	case today.Add(c.EOL.WarnTime()).After(end):
		c.add(RuleEndNear, at, fmt.Sprintf("upstream mends %s %s until %s", c.Recipe.Name, c.Recipe.Version, c.Recipe.EOL))
	}
}

// moving are addresses of archives that have other bytes from time to time.
var moving = regexp.MustCompile(`(^|/)(latest|nightly|current|master|main|trunk|HEAD)([./-]|$)|/refs/heads/`)

func (c *checker) sources() {
	for i, s := range c.Recipe.Sources {
		at := fmt.Sprintf("sources[%d]", i)
		switch {
		case s.Git != nil && s.Git.Commit == "" && (c.Lock == nil || slices.Contains([]string{"main", "master", "trunk", "develop", "HEAD"}, s.Git.Ref)):
			c.add(RuleUnpinnedSource, c.Recipe.Pos(at+".git.ref"), fmt.Sprintf("%s is a ref without its commit", s.Git.Ref))
		case s.Archive != nil:
			c.archive(at+".archive", s.Archive)
		}
	}
}

func (c *checker) archive(at string, a *recipes.ArchiveSource) {
	u, err := url.Parse(a.URL)
	if err != nil {
		return
	}
	if moving.MatchString(u.Path) {
		c.add(RuleUnpinnedSource, c.Recipe.Pos(at+".url"), "the URL stands for other bytes from time to time")
	}
	if u.Scheme == "http" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
		c.add(RulePlainHTTP, c.Recipe.Pos(at+".url"), "the archive is fetched without TLS")
	}
}

func (c *checker) image() {
	m := c.Recipe.Image
	if uid, gid, _ := strings.Cut(m.User, ":"); uid == "0" || gid == "0" {
		c.add(RuleRootUser, c.Recipe.Pos("image.user"), "the image runs as "+m.User)
	}
	for i, p := range m.Ports {
		number, _, _ := strings.Cut(p, "/")
		if n, err := strconv.Atoi(number); err == nil && n < 1024 && !c.mayBind() {
			c.add(RuleLowPort, c.Recipe.Pos(fmt.Sprintf("image.ports[%d]", i)), fmt.Sprintf("user %s may not bind port %d", m.User, n))
		}
	}
	if len(c.Recipe.Tests) == 0 {
		c.add(RuleMissingTests, c.Recipe.Pos("name"), "the recipe has no tests")
	}
	c.entrypoint()
}

// mayBind is whether the service may bind ports below 1024 (capabilities(7)).
func (c *checker) mayBind() bool {
	return strings.HasPrefix(c.Recipe.Image.User, "0:") || slices.Contains(c.Recipe.Runtime.Capabilities, "NET_BIND_SERVICE")
}

// entrypoint is looked for only where everything that is installed is known.
func (c *checker) entrypoint() {
	m := c.Recipe.Image
	if !slices.Contains(recipes.Bases(), m.Base) || len(m.Packages) > 0 {
		return
	}
	var outputs []string
	for _, s := range c.Recipe.Build.Steps {
		if s.Go == nil {
			return
		}
		outputs = append(outputs, s.Go.Output)
	}
	if !slices.Contains(outputs, m.Entrypoint[0]) {
		c.add(RuleEntrypoint, c.Recipe.Pos("image.entrypoint[0]"), fmt.Sprintf(
			"no step installs %s; they install %s", m.Entrypoint[0], strings.Join(outputs, ", ")))
	}
}

func (c *checker) lock() {
	if c.Lock == nil {
		c.add(RuleMissingLock, recipes.Pos{Line: 1, Col: 1}, "the recipe has no lock")
		return
	}
	c.stale(c.Lock.Fits(c.Recipe))
}
