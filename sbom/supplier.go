package sbom

import (
	"net/url"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// supplierOf is who a package without a named maintainer comes from, as far as
// its package URL and its download location tell: the archive, the registry's
// scope or group, or the owner on a host of source code.
func supplierOf(p *v2_3.Package) *common.Supplier {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(unversioned(purlOf(p)), "pkg:"), "/")
	rest, err := url.PathUnescape(rest)
	if err != nil {
		return unknownSupplier()
	}
	switch namespace, _ := splitName(rest); {
	case kind == "deb":
		return organizationNamed("Debian")
	case kind == "golang" && rest == "stdlib":
		return organizationNamed("The Go Authors")
	case kind == "golang":
		return organizationNamed(codeOwner(rest))
	case kind == "maven" && namespace != "":
		return organizationNamed(namespace)
	case kind == "npm" && namespace != "":
		return organizationNamed("npmjs.com/" + namespace)
	case kind == "npm":
		return organizationNamed("npmjs.com")
	case kind == "pypi":
		return organizationNamed("pypi.org")
	case kind == "cargo":
		return organizationNamed("crates.io")
	case kind == "generic":
		return organizationNamed(locationOwner(p.PackageDownloadLocation))
	}
	return unknownSupplier()
}

func unknownSupplier() *common.Supplier { return &common.Supplier{Supplier: noAssertion} }

func organizationNamed(name string) *common.Supplier {
	if name == "" {
		return unknownSupplier()
	}
	return &common.Supplier{SupplierType: "Organization", Supplier: name}
}

// codeOwner is the host of a module or repository, and the owner there where
// a host has many.
func codeOwner(path string) string {
	parts := strings.SplitN(strings.Trim(path, "/"), "/", 3)
	shared := []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gopkg.in", "git.sr.ht", "salsa.debian.org"}
	if len(parts) > 1 && slices.Contains(shared, parts[0]) {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// locationOwner is the owner of a download location (SPDX 2.3, section 7.7).
func locationOwner(location string) string {
	u, err := url.Parse(strings.TrimPrefix(location, "git+"))
	if err != nil || u.Host == "" {
		return ""
	}
	return codeOwner(u.Hostname() + u.Path)
}
