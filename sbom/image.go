package sbom

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// describeImage adds the image, which the document is about.
func (d *description) describeImage() {
	repo := d.Repository
	if repo == "" {
		repo = d.Recipe.Name
	}
	p := ociPackage(repo, d.Digest.String(), d.Platform)
	if d.Repository == "" {
		p.PackageExternalReferences = ociPurl(repo, d.Digest.String(), d.Platform, "").ref()
	}
	p.PackageName, p.PackageVersion = d.Recipe.Name, d.Recipe.Version
	p.PackageSummary = d.Recipe.Summary
	d.image = d.add(p, "image", d.Recipe.Name)
	d.relate(d.doc.SPDXIdentifier, common.TypeRelationshipDescribe, d.image.PackageSPDXIdentifier)
}

// ociPackage is the package of an image in a registry.
func ociPackage(repository, digest, platform string) *v2_3.Package {
	hex := strings.TrimPrefix(digest, "sha256:")
	return &v2_3.Package{
		PackageName:               repository,
		PackageVersion:            digest,
		PackageChecksums:          []common.Checksum{{Algorithm: common.SHA256, Value: hex}},
		PrimaryPackagePurpose:     "CONTAINER",
		PackageExternalReferences: ociPurl(repository, digest, platform, repository).ref(),
	}
}

// ociPurl is the package URL of an image, whose name is the last element of
// its repository, in lower case.
func ociPurl(repository, digest, platform, url string) purl {
	_, arch, _ := strings.Cut(platform, "/")
	arch, _, _ = strings.Cut(arch, "/")
	return purl{
		Type: "oci", Name: strings.ToLower(path.Base(repository)), Version: digest,
		Qualifiers: map[string]string{"arch": arch, "repository_url": strings.ToLower(url)},
	}
}

// referenced is the package of a registry image that a recipe names by
// digest.
func (d *description) referenced(ref, role string) (*v2_3.Package, error) {
	digest, err := name.NewDigest(ref)
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", role, err)
	}
	p := ociPackage(digest.Context().Name(), digest.DigestStr(), d.Platform)
	return d.add(p, role, digest.Context().Name()), nil
}

// describeOwners adds the packages in the image, each with its files.
func (d *description) describeOwners(own owners) error {
	d.contain(d.service, own[recipes.OwnerService])
	if h := own[recipes.OwnerBase]; h != nil {
		d.contain(d.add(kilnBase(d.Version), "kiln-base"), h)
	}
	if h := own[recipes.OwnerImage]; h != nil {
		base, err := d.referenced(d.Recipe.Image.Base, "base-image")
		if err != nil {
			return err
		}
		d.contain(base, h)
		d.relate(d.image.PackageSPDXIdentifier, common.TypeRelationshipDescendantOf, base.PackageSPDXIdentifier)
	}
	installed := slices.SortedFunc(slices.Values(d.Content.Packages), func(a, b recipes.Installed) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, i := range installed {
		d.contain(d.addInstalled(i), own[recipes.OwnerDebian(i.Name)])
	}
	return nil
}

// contain says that the image contains p, and p the files of h.
func (d *description) contain(p *v2_3.Package, h *holding) {
	d.relate(d.image.PackageSPDXIdentifier, common.TypeRelationshipContains, p.PackageSPDXIdentifier)
	d.give(p, h)
}

// kilnBase is the package of what kiln itself writes into an image.
func kilnBase(version string) *v2_3.Package {
	return &v2_3.Package{
		PackageName:               "kiln-base",
		PackageVersion:            version,
		PackageSummary:            "Accounts, release information and folders that kiln writes into an image",
		PrimaryPackagePurpose:     "OPERATING_SYSTEM",
		PackageExternalReferences: purl{Type: "generic", Name: "kiln-base", Version: version}.ref(),
	}
}
