package builder

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// toolchainSeeds are the packages of a toolchain as the archive is asked for
// them, and whether it has the version.
func toolchainSeeds(text string, index *archive.Index) (seeds []string, ok bool, err error) {
	seeds, err = ToolchainPackages(text)
	if err != nil {
		return nil, false, err
	}
	name, version, versioned := tool(text)
	t, _ := toolchainOf(name)
	if !versioned || t.versioned != "" {
		_, ok = index.Lookup(seeds[0])
		return seeds, ok, nil
	}
	p, ok := packageOf(index, t.lead, version)
	if !ok {
		return nil, false, nil
	}
	seeds[0] += "=" + p.Version
	if strings.HasSuffix(p.Suite, "-backports") {
		for i := range t.follows {
			seeds[1+i] += "/" + p.Suite
		}
	}
	return seeds, true, nil
}

// packageOf is the newest version of a package that version stands for, from
// backports only where nothing else has one.
func packageOf(index *archive.Index, name, version string) (found recipes.Package, ok bool) {
	for _, p := range index.Versions(name) {
		backports := strings.HasSuffix(p.Suite, "-backports")
		if isVersion(p.Version, version) && (!ok || strings.HasSuffix(found.Suite, "-backports") && !backports) {
			found, ok = p, true
		}
	}
	return found, ok
}

// isVersion reports whether a Debian version is one of the upstream version
// that a toolchain names: 1.85.1+dfsg1-1 is a 1.85.1, a 1.85 and a 1.
func isVersion(debian, asked string) bool {
	rest, ok := strings.CutPrefix(upstream(debian), asked)
	return ok && (rest == "" || strings.Contains(".+~-", rest[:1]))
}

// upstream is a Debian version without its epoch and revision (Debian Policy,
// section 5.6.12).
func upstream(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	if i := strings.LastIndex(version, "-"); i >= 0 {
		version = version[:i]
	}
	return version
}

// toolchains are the toolchains of the same name that the index has.
func toolchains(text string, index *archive.Index) []string {
	name, _, _ := tool(text)
	t, _ := toolchainOf(name)
	if t.versioned != "" {
		return numbered(name, t, index)
	}
	var found []string
	for _, p := range index.Versions(t.lead) {
		found = append(found, name+"@"+series(p.Version))
	}
	slices.Reverse(found) // oldest first
	return slices.Compact(found)
}

// numbered are those whose version is part of their package's name.
func numbered(name string, t toolchain, index *archive.Index) []string {
	var found []string
	for n := range 50 {
		version := strconv.Itoa(n)
		if name == "go" {
			version = "1." + version
		}
		if _, ok := index.Lookup(fmt.Sprintf(t.versioned, version)); ok {
			found = append(found, name+"@"+version)
		}
	}
	return found
}

// series is the first two numbers of a version, by which people know it.
func series(version string) string {
	numbers := strings.FieldsFunc(upstream(version), func(c rune) bool { return c < '0' || c > '9' })
	return strings.Join(numbers[:min(2, len(numbers))], ".")
}
