package sbom

import (
	"slices"

	"github.com/spdx/tools-golang/spdx/v2/common"
)

// describeBuild adds what the service was built with: the packages of the
// build environment, or the registry image that served as one. None of it is
// in the image.
func (d *description) describeBuild() error {
	if d.Recipe.Build.Image != "" {
		p, err := d.referenced(d.Recipe.Build.Image, "build-image")
		if err != nil {
			return err
		}
		d.relate(p.PackageSPDXIdentifier, common.TypeRelationshipBuildToolOf, d.service.PackageSPDXIdentifier)
	}
	for _, b := range d.platform.Build {
		p := d.addDebian(debianPackage(b), b)
		d.relate(p.PackageSPDXIdentifier, d.roleOf(b.Name), d.service.PackageSPDXIdentifier)
	}
	return nil
}

// roleOf is how a package of the build environment stands to the service
// (SPDX 2.3, section 11.1).
func (d *description) roleOf(name string) string {
	if slices.Contains(d.Tools, name) {
		return common.TypeRelationshipBuildToolOf
	}
	return common.TypeRelationshipBuildDependencyOf
}
