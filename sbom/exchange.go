package sbom

import "github.com/kiln-build/kiln/recipes"

// DebianPURL is the package URL that documents have for a binary package of the
// Debian archive.
func DebianPURL(p recipes.Package) string { return purlOf(debianPackage(p)) }

// DebianSourcePURL is the package URL that documents have for a source package
// of a suite.
func DebianSourcePURL(name, version, suite string) string {
	return purlOf(debianSource(name, version, suite))
}

// ImagePURLs are the package URLs that documents have for an image with the
// name NAME: with its repository, where that is known, and without.
func ImagePURLs(name, repository, digest, platform string) []string {
	list := []string{ociPurl(name, digest, platform, "").String()}
	if repository != "" {
		list = append(list, ociPurl(repository, digest, platform, repository).String())
	}
	return list
}

// ModulePURL is the package URL that documents have for a Go module.
func ModulePURL(path, version string) string { return golangPurl(path, version).String() }
