package sbom

import (
	"archive/tar"
	"fmt"
	"path"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"

	"github.com/kiln-build/kiln/recipes"
)

// Coverage says how much of an image belongs to a package of its document.
type Coverage struct {
	// Files are the regular files, Bytes what they hold.
	Files Share `json:"files"`
	Bytes Share `json:"bytes"`
	// Libraries are the shared libraries that the service's programs name
	// (System V ABI, DT_NEEDED): covered where a package of the image has
	// one of that name.
	Libraries Share `json:"libraries"`
	// Archives are the static libraries of the build environment that the
	// service's programs hold: covered where the version is known.
	Archives Share `json:"archives"`
	// Modules are the Go modules linked into the service, Components those of
	// other ecosystems: covered where name and version are known.
	Modules    Share `json:"modules"`
	Components Share `json:"components"`
	// Gaps are what is not covered.
	Gaps []Gap `json:"gaps,omitempty"`
}

// Share is a part of a whole.
type Share struct {
	Covered int64 `json:"covered"`
	All     int64 `json:"all"`
}

// Gap is one thing that no package accounts for.
type Gap struct {
	// Path is the file that it is in.
	Path string `json:"path"`
	// Name is what it is, and Reason what is wrong with it.
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Allowed is the reason for which the recipe lets it pass, empty where it
	// does not.
	Allowed string `json:"allowed,omitempty"`
}

// Complete reports whether nothing is missing.
func (c Coverage) Complete() bool {
	for _, s := range c.shares() {
		if s.share.Covered < s.share.All {
			return false
		}
	}
	return len(c.Gaps) == 0
}

// Percent is the smallest of the shares, at most 100. It reaches 100 only where
// nothing is missing.
func (c Coverage) Percent() float64 {
	least := 100.0
	for _, s := range c.shares() {
		if s.share.All > 0 {
			least = min(least, 100*float64(s.share.Covered)/float64(s.share.All))
		}
	}
	return least
}

// String is the sentence that stands in documents.
func (c Coverage) String() string {
	var parts []string
	for _, s := range c.shares() {
		if s.share.All > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", s.share.Covered, s.share.All, s.name))
		}
	}
	text := "Coverage: " + strings.Join(parts, ", ") + " belong to a package of this document."
	for _, g := range c.Gaps {
		text += "\nNot covered: " + g.String()
		if g.Allowed != "" {
			text += " (accepted: " + g.Allowed + ")"
		}
	}
	return text
}

func (g Gap) String() string { return g.Path + ": " + g.Name + ": " + g.Reason }

type namedShare struct {
	name  string
	share Share
}

func (c Coverage) shares() []namedShare {
	return []namedShare{
		{"files", c.Files}, {"bytes", c.Bytes}, {"shared libraries that programs of the service name", c.Libraries},
		{"static libraries in programs of the service", c.Archives},
		{"Go modules", c.Modules}, {"other components", c.Components},
	}
}

// count adds one to a share, and what is not covered to the gaps.
func (d *description) count(s *Share, covered bool, g Gap) {
	s.All++
	if covered {
		s.Covered++
		return
	}
	g.Allowed, _ = d.Recipe.Allowed(recipes.RuleUnowned, g.Path)
	d.coverage.Gaps = append(d.coverage.Gaps, g)
}

// countLibraries looks for the shared libraries that a program names.
func (d *description) countLibraries(p *program) {
	for _, name := range p.needed {
		d.count(&d.coverage.Libraries, d.libraries()[path.Base(name)], Gap{Path: p.path, Name: name, Reason: "no package of the image has this library"})
	}
}

// libraries are the names of the image's files and links.
func (d *description) libraries() map[string]bool {
	if d.names == nil {
		d.names = map[string]bool{}
		for _, f := range d.Content.Files {
			d.names[path.Base(f.Path)] = true
		}
	}
	return d.names
}

// cover counts the files, and states the coverage in the document.
func (d *description) cover() {
	contained := map[common.ElementID]bool{}
	for _, r := range d.doc.Relationships {
		if r.Relationship == common.TypeRelationshipContains {
			contained[r.RefB.ElementRefID] = true
		}
	}
	for _, f := range byPath(d.Content.Files) {
		if f.Type != tar.TypeReg {
			continue
		}
		covered := contained[fileID(f.Path)]
		d.count(&d.coverage.Files, covered, Gap{Path: f.Path, Name: path.Base(f.Path), Reason: "no package has this file"})
		d.coverage.Bytes.All += f.Size
		if covered {
			d.coverage.Bytes.Covered += f.Size
		}
	}
	d.doc.DocumentComment = d.coverage.String()
}
