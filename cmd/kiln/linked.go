package main

import "github.com/kiln-build/kiln/recipes"

// linkedResult says which static libraries of a package of the build
// environment a program or library of the service holds.
type linkedResult struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	Version string `json:"version"`
	// Archives are the paths of the libraries in the build environment.
	Archives []string `json:"archives"`
}

func linkedResults(list []recipes.Linked) []linkedResult {
	var all []linkedResult
	for _, l := range list {
		r := linkedResult{Path: l.Path, Package: l.Package.Name, Version: l.Package.Version}
		for _, a := range l.Archives {
			r.Archives = append(r.Archives, a.Path)
		}
		all = append(all, r)
	}
	return all
}

// linked tells what the first few programs and libraries are statically linked
// with; the rest is in the JSON.
func (b *build) linked(p *platformResult) {
	const shown = 4
	var lines []string
	for i, l := range p.Linked {
		if i == 0 || p.Linked[i-1].Path != l.Path {
			lines = append(lines, l.Path+": ")
		} else {
			lines[len(lines)-1] += ", "
		}
		lines[len(lines)-1] += l.Package + " " + l.Version
	}
	for i, line := range lines {
		if i == shown {
			b.say("  linked      and %d more; --output json has them all", len(lines)-shown)
			return
		}
		b.say("  linked      %s", line)
	}
}
