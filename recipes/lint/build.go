package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

func (c *checker) stale(err error) {
	var stale *recipes.StaleError
	if !errors.As(err, &stale) {
		return
	}
	for _, ch := range stale.Changes {
		c.add(RuleStaleLock, ch.Pos, ch.String())
	}
}

func (c *checker) build() {
	b := c.Recipe.Build
	for i, t := range b.Toolchain {
		if name, _, _ := strings.Cut(t, "@"); !c.uses(name) {
			c.add(RuleUnusedToolchain, c.Recipe.Pos(fmt.Sprintf("build.toolchain[%d]", i)), fmt.Sprintf("no step uses the toolchain %s", name))
		}
	}
	if c.ToolchainPackages == nil {
		return
	}
	for _, t := range b.Toolchain {
		brought, err := c.ToolchainPackages(t)
		if err != nil {
			continue
		}
		for i, p := range b.Packages {
			if slices.Contains(brought, p) {
				c.add(RuleRedundantPackage, c.Recipe.Pos(fmt.Sprintf("build.packages[%d]", i)), fmt.Sprintf("the toolchain %s brings %s", t, p))
			}
		}
	}
}

// uses is whether a step may use the toolchain. What make, configure and
// scripts call is not known.
func (c *checker) uses(name string) bool {
	if name == "c" {
		name = "gcc"
	}
	return slices.ContainsFunc(c.Recipe.Build.Steps, func(s recipes.Step) bool {
		open := s.Run != nil || s.Fetch != nil || s.Make != nil || s.Autotools != nil
		return open || slices.Contains(s.Tools(), name)
	})
}
