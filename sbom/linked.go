package sbom

import (
	"fmt"
	"path"
	"slices"
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

// addRustLibrary adds Rust's standard library where it is a package of the
// build environment. rustc links it statically unless it is told otherwise
// (The rustc book, "prefer-dynamic").
func (d *description) addRustLibrary(p *program) {
	dynamic := func(name string) bool { return strings.HasPrefix(name, "libstd-") }
	i := slices.IndexFunc(d.platform.Build, func(b recipes.Package) bool {
		return strings.HasPrefix(b.Name, "libstd-rust-") && strings.HasSuffix(b.Name, "dev") &&
			strings.HasSuffix(d.Platform, "/"+b.Architecture) && strings.HasPrefix(b.Version, p.rustc+"+")
	})
	if p.rustc == "" || i < 0 || slices.ContainsFunc(p.needed, dynamic) {
		return
	}
	library := d.addDebian(debianPackage(d.platform.Build[i]), d.platform.Build[i])
	library.PackageLicenseDeclared = "MIT OR Apache-2.0"
	d.relate(fileID(p.path), common.TypeRelationshipStaticLink, library.PackageSPDXIdentifier)
	d.relate(d.service.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, library.PackageSPDXIdentifier)
}
