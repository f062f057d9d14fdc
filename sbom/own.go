package sbom

import (
	"path"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/language"
)

// isOwn reports whether a component is what the recipe's own steps made of its
// sources, and so the service itself. Wheels that come with the sources are
// installed beside it, and distributions may have others within.
func (d *description) isOwn(c language.Component) bool {
	if _, ok := d.fetched.find(c.Ecosystem, c.Name, c.Version); ok {
		return false
	}
	return slices.ContainsFunc(d.Recipe.Build.Steps, func(s recipes.Step) bool {
		switch {
		case s.Npm != nil && c.Ecosystem == "npm":
			return c.Dir == path.Clean(s.Npm.Output)
		case s.Python != nil && c.Ecosystem == "pypi":
			return s.Python.Project != "" && path.Dir(path.Dir(c.Path)) == path.Clean(s.Python.Output) &&
				(s.Python.Wheels == "" || d.hasName(c))
		case s.Java != nil && c.Ecosystem == "maven":
			return c.Path == path.Clean(s.Java.Output) && (c.Whole || c.Version == d.Recipe.Version && d.hasName(c))
		}
		return false
	})
}

// hasName reports whether a component of several bears the service's name, but
// for the group.
func (d *description) hasName(c language.Component) bool {
	return sameName(c.Ecosystem, c.Name[strings.LastIndex(c.Name, ":")+1:]) == sameName(c.Ecosystem, d.Recipe.Name)
}

// isOwnArchive reports whether a Java archive that says nothing of itself is
// the service: what a java step makes, or what the image starts.
func (d *description) isOwnArchive(p string) bool {
	return p == startedArchive(d.Recipe.Image) || slices.ContainsFunc(d.Recipe.Build.Steps, func(s recipes.Step) bool {
		return s.Java != nil && p == path.Clean(s.Java.Output)
	})
}

// startedArchive is the path that an image has Java start: java -jar, with no
// other word before it than options that bring their value along. It is empty
// where there is none
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html).
func startedArchive(m recipes.Image) string {
	words := slices.Concat(m.Entrypoint, m.Args)
	if len(words) == 0 || path.Base(words[0]) != "java" {
		return ""
	}
	words = words[1:]
	i := slices.IndexFunc(words, func(w string) bool { return w == "-jar" || !strings.HasPrefix(w, "-") })
	if i < 0 || words[i] != "-jar" || i+1 == len(words) {
		return ""
	}
	p := words[i+1]
	if !path.IsAbs(p) {
		p = path.Join("/", m.Workdir, p)
	}
	return path.Clean(p)
}

// nameOwn gives the service a package URL by which others know it.
func (d *description) nameOwn(u purl) {
	have := func(r *v2_3.PackageExternalReference) bool { return r.Locator == u.String() }
	if !slices.ContainsFunc(d.service.PackageExternalReferences, have) {
		d.service.PackageExternalReferences = append(d.service.PackageExternalReferences, u.ref()...)
	}
}
