package sbom

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// addInstalled adds a Debian package of the image.
func (d *description) addInstalled(i recipes.Installed) *v2_3.Package {
	p := debianPackage(i.Package)
	p.PackageHomePage = i.Homepage
	p.PackageSummary, p.PackageDescription, _ = strings.Cut(i.Description, "\n")
	p.PackageSupplier = supplier(i.Maintainer)
	text, of := d.copyrightOf(i)
	p.PackageLicenseDeclared, p.PackageCopyrightText = d.licenses.debian(sourceOf(i.Package), text)
	if of != "" {
		p.PackageLicenseComments = "The license is that of " + of + ", from the same source package."
	}
	return d.addDebian(p, i.Package)
}

// addDebian adds a Debian package and the source package it was built from.
func (d *description) addDebian(p *v2_3.Package, b recipes.Package) *v2_3.Package {
	p = d.add(p, "deb", b.Name, b.Version, b.Architecture)
	src, version := sourceOf(b), sourceVersionOf(b)
	s := d.add(debianSource(src, version, b.Suite), "deb-source", src, version)
	d.relate(p.PackageSPDXIdentifier, common.TypeRelationshipGeneratedFrom, s.PackageSPDXIdentifier)
	return p
}

// debianPackage is what a lock tells of a binary package.
func debianPackage(b recipes.Package) *v2_3.Package {
	q := map[string]string{"arch": b.Architecture, "distro": distro(b.Suite)}
	src, version := sourceOf(b), sourceVersionOf(b)
	switch {
	case version != b.Version:
		q["upstream"] = src + "@" + version
	case src != b.Name:
		q["upstream"] = src
	}
	p := &v2_3.Package{
		PackageName:               b.Name,
		PackageVersion:            b.Version,
		PackageFileName:           path.Base(b.Path),
		PackageSourceInfo:         "built package from: " + src + " " + version,
		PackageExternalReferences: debianPurl(b.Name, b.Version, q).ref(),
	}
	if b.SHA256 != "" {
		p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: b.SHA256}}
	}
	return p
}

func debianSource(name, version, suite string) *v2_3.Package {
	return &v2_3.Package{
		PackageName:           name,
		PackageVersion:        version,
		PrimaryPackagePurpose: "SOURCE",
		PackageExternalReferences: debianPurl(name, version, map[string]string{
			"arch": "source", "distro": distro(suite),
		}).ref(),
	}
}

func debianPurl(name, version string, qualifiers map[string]string) purl {
	return purl{Type: "deb", Namespace: "debian", Name: name, Version: version, Qualifiers: qualifiers}
}

func sourceOf(p recipes.Package) string {
	if p.Source == "" {
		return p.Name
	}
	return p.Source
}

func sourceVersionOf(p recipes.Package) string {
	if p.SourceVersion == "" {
		return p.Version
	}
	return p.SourceVersion
}

// DebianLicense is the license of a package, as a document declares it: what its
// copyright file says. It is empty where that is not known.
func DebianLicense(p recipes.Package, copyright string) string {
	expression, _ := newLicenses().debian(sourceOf(p), copyright)
	if expression == noAssertion {
		return ""
	}
	return expression
}

// DebianLicenses are the declared licenses of the Debian packages that a
// document's image holds, by the packages' names; empty where nobody knows.
func DebianLicenses(doc *Document) map[string]string {
	all := map[string]string{}
	for name, license := range partsOf(doc).licenses {
		if name, ok := strings.CutPrefix(name, "pkg:deb/debian/"); ok {
			if license == noAssertion {
				license = ""
			}
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			all[name] = license
		}
	}
	return all
}

// distro is the release that a suite belongs to, as package URLs name it:
// debian-13 for trixie-security. Suites without a number keep their name.
func distro(suite string) string {
	codename, _, _ := strings.Cut(suite, "-")
	number, ok := map[string]string{
		"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "unstable": "sid",
	}[codename]
	if ok {
		codename = number
	}
	if codename == "" {
		return ""
	}
	return "debian-" + codename
}

// copyrightOf is the package's copyright text. A package may ship a link in
// place of its documentation folder to that of another package of the same
// source and version (Debian Policy, section 12.5); then the second result
// names that one.
func (d *description) copyrightOf(i recipes.Installed) (text, of string) {
	if i.Copyright != "" {
		return i.Copyright, ""
	}
	for _, o := range d.Content.Packages {
		if o.Copyright != "" && sourceOf(o.Package) == sourceOf(i.Package) &&
			sourceVersionOf(o.Package) == sourceVersionOf(i.Package) {
			return o.Copyright, o.Name
		}
	}
	return "", ""
}

var (
	maintainer = regexp.MustCompile(`^\s*(.*?)\s*<([^<>]*)>\s*$`)
	// groups are words in the names of groups of maintainers.
	groups = regexp.MustCompile(`(?i)\b(team|group|maintainers?|developers?|debian|project|packagers|packaging|task force|qa)\b`)
)

// supplier is the maintainer of a package, "Name <address>", as SPDX writes
// it (SPDX 2.3, section 7.5): an organization where the name or the address
// is that of a group.
func supplier(m string) *common.Supplier {
	// The reader of github.com/spdx/tools-golang does not undo JSON escapes.
	m = strings.NewReplacer(`"`, "'", `\`, "/").Replace(strings.TrimSpace(m))
	if m == "" {
		return nil
	}
	who, address := m, ""
	if parts := maintainer.FindStringSubmatch(m); parts != nil {
		who, address = parts[1], parts[2]
	}
	s := &common.Supplier{SupplierType: "Person", Supplier: who}
	if groups.MatchString(who) || strings.Contains(address, "@lists.") || strings.Contains(address, "@alioth-lists.") {
		s.SupplierType = "Organization"
	}
	if address != "" {
		s.Supplier = strings.TrimSpace(who + " (" + address + ")")
	}
	return s
}
