package scan

import (
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"
)

// ofPURL is the component that a package URL names, or why no advisories are
// about it.
func ofPURL(text string) (c Component, why string) {
	p, err := packageurl.FromString(text)
	if err != nil {
		return Component{}, "its package URL cannot be read: " + err.Error()
	}
	c = Component{Name: p.Name, Version: p.Version, PURLs: []string{text}}
	full := p.Name
	if p.Namespace != "" {
		full = p.Namespace + "/" + p.Name
	}
	switch p.Type {
	case packageurl.TypeGolang:
		c.Ecosystem, c.Name, c.Version = "Go", full, goVersion(full, p.Version)
	case packageurl.TypeNPM:
		c.Ecosystem, c.Name = "npm", full
	case "cargo":
		c.Ecosystem = "crates.io"
	case packageurl.TypePyPi:
		c.Ecosystem = "PyPI"
	case packageurl.TypeMaven:
		c.Ecosystem, c.Name = "Maven", p.Namespace+":"+p.Name
	case packageurl.TypeDebian:
		return debianComponent(c, p)
	default:
		return Component{}, "there are no advisories for packages of the type " + p.Type
	}
	if c.Version == "" {
		return Component{}, "it has no version"
	}
	return c, ""
}

// release is the release's number, as package URLs have it.
var release = regexp.MustCompile(`^debian-(\d+)(\.\d+)?$`)

// debianComponent is the source package of a Debian package: the package URL
// has it as upstream where it differs in name or version.
func debianComponent(c Component, p packageurl.PackageURL) (Component, string) {
	q := p.Qualifiers.Map()
	m := release.FindStringSubmatch(q["distro"])
	switch {
	case p.Namespace != "debian":
		return Component{}, "there are no advisories for packages of " + p.Namespace
	case m == nil && q["distro"] == "":
		return Component{}, "its package URL has no distro, so that its release is not known"
	case m == nil:
		return Component{}, "there are no advisories for " + q["distro"] + ", which is no release"
	}
	c.Ecosystem = "Debian:" + m[1]
	if name, version, _ := strings.Cut(q["upstream"], "@"); name != "" {
		c.Name = name
		if version != "" {
			c.Version = version
		}
	}
	if c.Version == "" {
		return Component{}, "it has no version"
	}
	return c, ""
}

// goRelease is a version of Go's own distribution that is not final.
var goRelease = regexp.MustCompile(`^(\d+\.\d+)(\.\d+)?(rc|beta)(\d+)$`)

// goVersion is a module's version as the Go vulnerability database writes it:
// without v, and those of the standard library as semantic versions.
func goVersion(module, version string) string {
	version = strings.TrimPrefix(version, "v")
	if module != "stdlib" && module != "toolchain" {
		return version
	}
	version = strings.TrimPrefix(version, "go")
	if m := goRelease.FindStringSubmatch(version); m != nil {
		patch := m[2]
		if patch == "" {
			patch = ".0"
		}
		return m[1] + patch + "-" + m[3] + "." + m[4]
	}
	if strings.Count(version, ".") == 1 {
		version += ".0"
	}
	return version
}

// purlOf is the package URL of a package whose name has its namespace before
// the last slash.
func purlOf(kind, full, version string) string {
	namespace, name := "", full
	if i := strings.LastIndexByte(full, '/'); i >= 0 {
		namespace, name = full[:i], full[i+1:]
	}
	return packageurl.NewPackageURL(kind, namespace, name, version, nil, "").ToString()
}
