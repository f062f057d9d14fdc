package sbom

import (
	"fmt"
	"path"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"

	"github.com/kiln-build/kiln/recipes"
)

// describeLinked adds the packages of the build environment whose static
// libraries are in files of the service: the service depends on them, and each
// file is linked with its own.
func (d *description) describeLinked() {
	for _, l := range d.Content.Linked {
		p := d.addInstalled(l.Package)
		note(p, "Linked statically into "+l.Path+": "+archives(l.Archives))
		d.relate(fileID(l.Path), common.TypeRelationshipStaticLink, p.PackageSPDXIdentifier)
		d.relate(d.service.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, p.PackageSPDXIdentifier)
		for _, a := range l.Archives {
			d.count(&d.coverage.Archives, l.Package.Version != "", Gap{Path: l.Path, Name: path.Base(a.Path), Reason: "its package has no version"})
		}
	}
}

func archives(list []recipes.LinkedArchive) string {
	var parts []string
	for _, a := range list {
		parts = append(parts, fmt.Sprintf("%s (%d of %d objects recognised)", a.Path, a.Members, a.All))
	}
	return strings.Join(parts, ", ")
}
