package image

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// BasePackages are the Debian packages that a base of kiln's is locked by, and
// whether base is one. What they depend on is locked with them; of it, the
// base takes the packages of the runtime, and what their programs need.
func BasePackages(base string) ([]string, bool) {
	packages := []string{"ca-certificates", "tzdata"}
	switch name, version, versioned := strings.Cut(base, "@"); {
	case base == "static":
	case base == "glibc":
		packages = append(packages, "libc6")
	case base == "cc":
		packages = append(packages, "libc6", "libgcc-s1", "libstdc++6")
	case base == "python":
		packages = append(packages, "libc6", "python3-minimal", "libpython3-stdlib")
	case base == "node":
		packages = append(packages, "libc6", "nodejs")
	case base == "java":
		packages = append(packages, "libc6", "default-jre-headless")
	case name == "java" && versioned:
		packages = append(packages, "libc6", "openjdk-"+version+"-jre-headless")
	default:
		return nil, false
	}
	return packages, true
}

// runtimes are the packages that make up a language's runtime in Debian, by
// the first part of a base's name. Which versions there are, the suite says.
var runtimes = map[string]*regexp.Regexp{
	"python": regexp.MustCompile(`^(python3-minimal|python3\.\d+-minimal|libpython3\.\d+-(minimal|stdlib))$`),
	// Debian keeps the parts of Node that are written in JavaScript apart.
	"node": regexp.MustCompile(`^(nodejs|libnode\d+|node-(acorn|balanced-match|brace-expansion|busboy|cjs-module-lexer|minimatch|undici|xtend))$`),
	"java": regexp.MustCompile(`^openjdk-\d+-jre-headless$`),
}

// basePackages are the packages that the recipe's base consists of, besides
// what their programs need.
func (a *assembly) basePackages() ([]string, error) {
	base := a.Recipe.Image.Base
	names, ok := BasePackages(base)
	if !ok {
		return nil, fmt.Errorf("there is no base %q; there are %s", base, strings.Join(recipes.Bases(), ", "))
	}
	kind, _, _ := strings.Cut(base, "@")
	parts := runtimes[kind]
	if parts == nil {
		return names, nil
	}
	platform, err := a.Lock.For(a.Platform)
	if err != nil {
		return nil, err
	}
	names = []string{"ca-certificates", "tzdata", "libc6"}
	for _, p := range platform.Image {
		if parts.MatchString(p.Name) {
			names = append(names, p.Name)
		}
	}
	if len(names) == 3 {
		return nil, fmt.Errorf("the lock has no package of base %s; run `kiln lock`", base)
	}
	slices.Sort(names)
	return names, nil
}

// withLibraries adds to pkgs those of the lock that their programs need.
func (a *assembly) withLibraries(ctx context.Context, pkgs []recipes.Package) ([]recipes.Package, error) {
	probe := &assembly{Input: a.Input, root: newTree(), seeds: pkgs}
	defer func() { a.debs = append(a.debs, probe.debs...) }() // they are added next
	loaded, err := probe.load(ctx, pkgs)
	if err != nil {
		return nil, err
	}
	if _, err := probe.newEntries(loaded); err != nil {
		return nil, err
	}
	more, err := probe.missing(ctx)
	for _, p := range more {
		pkgs = append(pkgs, p.installed.Package)
	}
	return pkgs, err
}

// parts are the packages to add for the one called name: itself and, where it
// is part of a language's runtime, the other parts that are locked and not in
// the image yet. An interpreter without its library is of no use.
func (a *assembly) parts(c *closure, name string) []string {
	all := []string{name}
	for _, kind := range []string{"python", "node"} {
		if !runtimes[kind].MatchString(name) {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(c.candidates)) {
			if other != name && runtimes[kind].MatchString(other) && !a.root.has("/var/lib/dpkg/status.d/"+other) {
				all = append(all, other)
			}
		}
	}
	return all
}
