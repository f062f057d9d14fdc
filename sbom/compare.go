package sbom

import (
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// Difference is what two documents of images differ in. All lists are sorted.
type Difference struct {
	Packages Changes `json:"packages"`
	// Licenses are those of packages that are in both.
	Licenses []Change `json:"licenses,omitempty"`
	Files    Changes  `json:"files"`
	// Build are the tools and dependencies of the build.
	Build Changes `json:"build"`
}

// Changes are what only one has, and what both have in other forms.
type Changes struct {
	Added   []Item   `json:"added,omitempty"`
	Removed []Item   `json:"removed,omitempty"`
	Changed []Change `json:"changed,omitempty"`
}

// Item is a package with its versions, or a file with its digest.
type Item struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Change is what something was and is.
type Change struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Empty reports whether there is no change.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Compare returns what changes from the image that one document describes to
// that of the other. Packages are the same where their package URLs are, but
// for the version.
func Compare(from, to *v2_3.Document) Difference {
	a, b := partsOf(from), partsOf(to)
	d := Difference{
		Packages: ChangesOf(a.packages, b.packages), Files: ChangesOf(a.files, b.files), Build: ChangesOf(a.build, b.build),
	}
	for _, name := range sortedKeys(a.licenses) {
		if l, ok := b.licenses[name]; ok && l != a.licenses[name] {
			d.Licenses = append(d.Licenses, Change{name, a.licenses[name], l})
		}
	}
	return d
}

// parts are what a document tells, by name.
type parts struct{ packages, licenses, build, files map[string]string }

func partsOf(doc *v2_3.Document) parts {
	image, build := described(doc), buildOnly(doc)
	versions, tools, licenses := map[string][]string{}, map[string][]string{}, map[string][]string{}
	for _, pkg := range doc.Packages {
		name := nameOf(pkg)
		switch {
		case pkg.PackageSPDXIdentifier == image || pkg.PrimaryPackagePurpose == "SOURCE":
		case build[pkg.PackageSPDXIdentifier]:
			tools[name] = append(tools[name], pkg.PackageVersion)
		default:
			versions[name] = append(versions[name], pkg.PackageVersion)
			licenses[name] = appendNew(licenses[name], pkg.PackageLicenseDeclared)
		}
	}
	p := parts{packages: listed(versions), licenses: listed(licenses), build: listed(tools), files: map[string]string{}}
	for _, f := range doc.Files {
		for _, c := range f.Checksums {
			if c.Algorithm == common.SHA256 {
				p.files[strings.TrimPrefix(f.FileName, ".")] = "sha256:" + c.Value
			}
		}
	}
	return p
}

func listed(lists map[string][]string) map[string]string {
	all := map[string]string{}
	for name, list := range lists {
		slices.Sort(list)
		all[name] = strings.Join(list, ", ")
	}
	return all
}

// buildOnly are the packages that are in the document for the build alone.
func buildOnly(doc *v2_3.Document) map[common.ElementID]bool {
	only, shipped := map[common.ElementID]bool{}, map[common.ElementID]bool{}
	for _, r := range doc.Relationships {
		switch r.Relationship {
		case common.TypeRelationshipBuildToolOf, common.TypeRelationshipBuildDependencyOf:
			only[r.RefA.ElementRefID] = true
		case common.TypeRelationshipContains, common.TypeRelationshipDependsOn, common.TypeRelationshipStaticLink:
			shipped[r.RefB.ElementRefID] = true
		}
	}
	for id := range shipped {
		delete(only, id)
	}
	return only
}

// nameOf is a package's URL without version and qualifiers, or its name.
func nameOf(p *v2_3.Package) string {
	if u := unversioned(purlOf(p)); u != "" {
		return u
	}
	return p.PackageName
}

// unversioned is a package URL without version and qualifiers.
func unversioned(u string) string {
	u, _, _ = strings.Cut(u, "?")
	if i := strings.LastIndexByte(u, '@'); i > strings.LastIndexByte(u, '/') {
		u = u[:i]
	}
	return u
}

// ChangesOf compares values by name; what has no value under a name has nothing of
// it.
func ChangesOf(from, to map[string]string) Changes {
	var c Changes
	for _, name := range sortedKeys(from) {
		if value, ok := to[name]; !ok {
			c.Removed = append(c.Removed, Item{name, from[name]})
		} else if value != from[name] {
			c.Changed = append(c.Changed, Change{name, from[name], value})
		}
	}
	for _, name := range sortedKeys(to) {
		if _, ok := from[name]; !ok {
			c.Added = append(c.Added, Item{name, to[name]})
		}
	}
	return c
}
