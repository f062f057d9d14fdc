package sbom

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// describePrograms adds what is linked into the service's programs.
func (d *description) describePrograms(files []recipes.File) error {
	if d.Open == nil {
		return nil
	}
	for _, f := range files {
		p, err := d.readProgram(f.Path)
		if err != nil {
			return fmt.Errorf("reading what %s is made of: %w", f.Path, err)
		}
		if p == nil {
			continue
		}
		d.countLibraries(p)
		d.addCrates(p)
		if p.build != nil {
			d.addModules(f, p.build)
		}
	}
	return nil
}

// addModules adds the Go modules that the Go linker wrote into a program: the
// service depends on them, and each program is linked with its own. The main
// module is the service.
func (d *description) addModules(f recipes.File, info *debug.BuildInfo) {
	d.nameMain(info.Main)
	modules := []*v2_3.Package{d.add(standardLibrary(info.GoVersion), "go-stdlib", info.GoVersion)}
	for _, m := range info.Deps {
		p := d.modulePackage(m)
		if d.packages[purlOf(p)] == nil {
			d.count(&d.coverage.Modules, p.PackageVersion != "", Gap{Path: f.Path, Name: m.Path, Reason: "the module has no version"})
		}
		modules = append(modules, d.add(p, "go", p.PackageName, p.PackageVersion))
	}
	for _, m := range modules {
		d.relate(fileID(f.Path), common.TypeRelationshipStaticLink, m.PackageSPDXIdentifier)
		d.relate(d.service.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, m.PackageSPDXIdentifier)
	}
}

// nameMain gives the service the package URL of a program's main module where
// it goes by another one: a service built from an archive is a module too.
func (d *description) nameMain(m debug.Module) {
	if m.Path == "" || m.Path == "command-line-arguments" {
		return
	}
	version := m.Version
	if version == "(devel)" {
		version = ""
	}
	unversioned := golangPurl(m.Path, "").String()
	for _, r := range d.service.PackageExternalReferences {
		if r.Locator == unversioned || strings.HasPrefix(r.Locator, unversioned+"@") {
			return
		}
	}
	d.nameOwn(golangPurl(m.Path, version))
}

// modulePackage describes a module as it was compiled, so what it is replaced
// by. A module that is a folder, of a workspace or in the place of another, is
// a part of the service's sources: its version is the service's, and its
// package URL, by which others look for what is published, has none.
func (d *description) modulePackage(m *debug.Module) *v2_3.Package {
	path, version, sum, comment := m.Path, m.Version, m.Sum, ""
	const devel = "(devel)" // a folder, in the go command's words
	folder := version == devel
	if r := m.Replace; r != nil {
		comment, sum = "replaces "+m.Path+" "+m.Version, r.Sum
		path, version = r.Path, r.Version
		if folder = r.Version == "" || r.Version == devel; folder {
			path, comment = m.Path, "replaced by the folder "+r.Path
		}
	}
	if folder {
		version = ""
	}
	p := &v2_3.Package{
		PackageName: path, PackageVersion: version, PackageComment: comment,
		PrimaryPackagePurpose:     "LIBRARY",
		PackageExternalReferences: golangPurl(path, version).ref(),
	}
	if folder {
		p.PackageVersion = d.Recipe.Version
		note(p, "A folder of the sources of "+d.Recipe.Name+" "+d.Recipe.Version+", whose version it has.")
		return p
	}
	if sum != "" {
		note(p, "go.sum "+sum)
	}
	if file, ok := d.fetched.find("golang", path, version); ok {
		locked(p, file)
	} else {
		note(p, unfetched)
	}
	return p
}

// standardLibrary is the Go standard library, whose version goes without the
// prefix "go" and without the experiments the toolchain was built with.
func standardLibrary(goVersion string) *v2_3.Package {
	version, _, _ := strings.Cut(strings.TrimPrefix(goVersion, "go"), " ")
	return &v2_3.Package{
		PackageName: "stdlib", PackageVersion: version, PrimaryPackagePurpose: "LIBRARY",
		PackageLicenseDeclared:    "BSD-3-Clause",
		PackageExternalReferences: purl{Type: "golang", Name: "stdlib", Version: version}.ref(),
	}
}
