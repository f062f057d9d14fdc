package sbom

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/module"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/language"
)

// fetched are the files that the lock says were fetched, by what they hold.
type fetched struct {
	byComponent map[componentKey]recipes.FetchedFile
	byDigest    map[string]recipes.FetchedFile
}

// componentKey names a component of an ecosystem, as package URLs do. Names
// are in the form that compares equal where the ecosystem says so.
type componentKey struct{ ecosystem, name, version string }

// fetchedBy reads what the steps of a platform fetch.
func fetchedBy(p recipes.LockedPlatform) fetched {
	f := fetched{map[componentKey]recipes.FetchedFile{}, map[string]recipes.FetchedFile{}}
	for _, fetch := range p.Fetches {
		for _, file := range fetch.Files {
			if file.Absent || file.SHA256 == "" {
				continue
			}
			f.byDigest[file.SHA256] = file
			if key, ok := componentOf(file); ok {
				f.byComponent[key] = file
			}
		}
	}
	return f
}

// find is the file that a component came in.
func (f fetched) find(ecosystem, name, version string) (recipes.FetchedFile, bool) {
	file, ok := f.byComponent[componentKey{ecosystem, sameName(ecosystem, name), version}]
	return file, ok
}

// named is a component under the name by which its file was fetched, where it
// is that whole file: an archive need not tell its group.
func (f fetched) named(c language.Component, sha256 string) language.Component {
	file, ok := f.byDigest[sha256]
	if !c.Whole || !ok {
		return c
	}
	if key, ok := componentOf(file); ok && key.ecosystem == c.Ecosystem {
		c.Name, c.Version = key.name, key.version
	}
	return c
}

// componentOf tells from the path of a file in its ecosystem which component
// it holds.
func componentOf(file recipes.FetchedFile) (componentKey, bool) {
	p, err := url.PathUnescape(file.Path)
	if err != nil {
		return componentKey{}, false
	}
	var name, version string
	switch file.Ecosystem {
	case "go":
		name, version = goModule(p)
	case "npm":
		name, version = npmTarball(p)
	case "cargo":
		name, version = crateDownload(p)
	case "pypi":
		name, version = wheelFile(path.Base(p))
	case "maven":
		name, version = mavenJar(p)
	}
	if name == "" || version == "" {
		return componentKey{}, false
	}
	return componentKey{purlType(file.Ecosystem), sameName(purlType(file.Ecosystem), name), version}, true
}

// purlType is the type of package URLs of an ecosystem of the lock.
func purlType(ecosystem string) string {
	if ecosystem == "go" {
		return "golang"
	}
	return ecosystem
}

var separators = regexp.MustCompile(`[-_.]+`)

// sameName is what names of one component have in common: PyPI takes case and
// separators for the same (packaging.python.org, "Names and normalization").
func sameName(ecosystem, name string) string {
	if ecosystem == "pypi" {
		return strings.ToLower(separators.ReplaceAllString(name, "-"))
	}
	return name
}

// goModule reads PATH/@v/VERSION.zip (go.dev/ref/mod, "GOPROXY protocol").
func goModule(p string) (name, version string) {
	escaped, rest, ok := strings.Cut(p, "/@v/")
	v, zip := strings.CutSuffix(rest, ".zip")
	if !ok || !zip {
		return "", ""
	}
	name, err := module.UnescapePath(escaped)
	if err != nil {
		return "", ""
	}
	if version, err = module.UnescapeVersion(v); err != nil {
		return "", ""
	}
	return name, version
}

// npmTarball reads NAME/-/BASE-VERSION.tgz.
func npmTarball(p string) (name, version string) {
	name, base, ok := strings.Cut(p, "/-/")
	version, tgz := strings.CutSuffix(strings.TrimPrefix(base, path.Base(name)+"-"), ".tgz")
	if !ok || !tgz || version+".tgz" == base {
		return "", ""
	}
	return name, version
}

// crateDownload reads NAME/VERSION/download.
func crateDownload(p string) (name, version string) {
	parts := strings.Split(p, "/")
	if len(parts) != 3 || parts[2] != "download" {
		return "", ""
	}
	return parts[0], parts[1]
}

// wheelFile reads NAME-VERSION-….whl (packaging.python.org, "Binary
// distribution format").
func wheelFile(base string) (name, version string) {
	parts := strings.Split(base, "-")
	if len(parts) < 5 || path.Ext(base) != ".whl" {
		return "", ""
	}
	return parts[0], parts[1]
}

// mavenJar reads GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.jar, its group with
// slashes in place of dots.
func mavenJar(p string) (name, version string) {
	parts := strings.Split(p, "/")
	if len(parts) < 4 {
		return "", ""
	}
	n := len(parts)
	artifact, version := parts[n-3], parts[n-2]
	if base := strings.TrimSuffix(parts[n-1], path.Ext(p)); base != artifact+"-"+version || path.Ext(p) == ".pom" {
		return "", ""
	}
	return strings.Join(parts[:n-3], ".") + ":" + artifact, version
}
