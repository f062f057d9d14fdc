package sbom

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// describeModules adds the Go modules that the Go linker wrote into the
// service's programs: the service depends on them, and each program is linked
// with its own. The main module is the service.
func (d *description) describeModules(files []recipes.File) error {
	if d.Open == nil {
		return nil
	}
	for _, f := range files {
		info, err := d.buildInfo(f.Path)
		if err != nil {
			return fmt.Errorf("reading go modules of %s: %w", f.Path, err)
		}
		if info != nil {
			d.addModules(f, info)
		}
	}
	return nil
}

func (d *description) addModules(f recipes.File, info *debug.BuildInfo) {
	d.nameMain(info.Main)
	modules := []*v2_3.Package{d.add(standardLibrary(info.GoVersion), "go-stdlib", info.GoVersion)}
	for _, m := range info.Deps {
		p := modulePackage(m)
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
	d.service.PackageExternalReferences = append(d.service.PackageExternalReferences,
		golangPurl(m.Path, version).ref()...)
}

// modulePackage describes a module as it was compiled, so what it is replaced
// by. A module replaced by a folder keeps its path and has no version.
func modulePackage(m *debug.Module) *v2_3.Package {
	path, version, sum, comment := m.Path, m.Version, m.Sum, ""
	if r := m.Replace; r != nil {
		comment = "replaces " + m.Path + " " + m.Version
		if r.Version == "" {
			comment, version = "replaced by the folder "+r.Path, ""
		} else {
			path, version = r.Path, r.Version
		}
		sum = r.Sum
	}
	if sum != "" {
		comment = strings.TrimPrefix(comment+"\ngo.sum "+sum, "\n")
	}
	return &v2_3.Package{
		PackageName: path, PackageVersion: version, PackageComment: comment,
		PrimaryPackagePurpose:     "LIBRARY",
		PackageExternalReferences: golangPurl(path, version).ref(),
	}
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

// buildInfo is what the Go linker wrote into the file at path, nil where it
// is not a Go program.
func (d *description) buildInfo(path string) (*debug.BuildInfo, error) {
	f, err := d.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &faultReader{ReaderAt: f}
	magic := make([]byte, 4)
	if n, _ := r.ReadAt(magic, 0); n < 4 || string(magic) != "\x7fELF" {
		return nil, r.fault
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		// It has no error to tell a file without build info by.
		return nil, r.fault
	}
	return info, nil
}

// faultReader keeps the first error of reading that is not the file's end.
type faultReader struct {
	io.ReaderAt
	fault error
}

// ReadAt implements io.ReaderAt.
func (r *faultReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) && r.fault == nil {
		r.fault = err
	}
	return n, err
}
