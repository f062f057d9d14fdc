package sbom

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/language"
)

// component is a component of an ecosystem in the service, or linked into it.
type component struct {
	language.Component
	// source is where it is from, in words, where that is known otherwise
	// than from the lock.
	source string
}

// describeComponents adds the components among the service's files, and takes
// the files that are theirs out of own. What the recipe builds itself is the
// service.
func (d *description) describeComponents(ctx context.Context, own owners) error {
	h := own[recipes.OwnerService]
	if d.Open == nil || h == nil {
		return nil
	}
	found, unread, err := language.Find(ctx, h.files, d.Open)
	if err != nil {
		return err
	}
	packages := map[common.ElementID]*v2_3.Package{}
	holdings := map[common.ElementID]*holding{}
	keeper := newKeeper(found)
	digests := map[string]string{}
	for _, f := range h.files {
		digests[f.Path] = f.SHA256
	}
	for _, u := range unread {
		d.unread(u, digests[u.Path])
	}
	for i, c := range found {
		c = d.fetched.named(c, digests[c.Path])
		if d.isOwn(c) {
			d.nameOwn(componentPurl(c))
			keeper.give(i, d.service.PackageSPDXIdentifier)
			continue
		}
		p := d.addComponent(component{Component: c})
		packages[p.PackageSPDXIdentifier] = p
		keeper.give(i, p.PackageSPDXIdentifier)
		if c.Inside {
			d.relate(fileID(c.Path), common.TypeRelationshipContains, p.PackageSPDXIdentifier)
		}
	}
	h.files = slices.DeleteFunc(slices.Clone(h.files), func(f recipes.File) bool {
		id, ok := keeper.of(f.Path)
		if !ok || packages[id] == nil {
			return false
		}
		if holdings[id] == nil {
			holdings[id] = &holding{}
		}
		holdings[id].files = append(holdings[id].files, f)
		return true
	})
	for _, id := range sortedKeys(packages) {
		d.give(packages[id], holdings[id])
	}
	return nil
}

// addComponent adds a component that the service depends on.
func (d *description) addComponent(c component) *v2_3.Package {
	u := componentPurl(c.Component)
	p := &v2_3.Package{
		PackageName: c.Name, PackageVersion: c.Version, PrimaryPackagePurpose: "LIBRARY",
		PackageExternalReferences: u.ref(),
	}
	p.PackageLicenseDeclared, p.PackageLicenseComments = d.licenses.component(c.License)
	p.PackageSupplier = supplier(c.Author)
	d.reconcile(p, c)
	if d.packages[purlOf(p)] == nil {
		d.count(&d.coverage.Components, c.Version != "", Gap{Path: c.Path, Name: c.Name, Reason: "it has no version"})
	}
	p = d.add(p, u.Type, c.Name, c.Version)
	d.relate(d.service.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, p.PackageSPDXIdentifier)
	return p
}

// reconcile says where a component comes from: a file that the lock says was
// fetched, whose digest it gets, or something else.
func (d *description) reconcile(p *v2_3.Package, c component) {
	file, ok := d.fetched.find(c.Ecosystem, c.Name, c.Version)
	switch {
	case ok:
		locked(p, file)
	case c.source != "":
		note(p, c.source)
	default:
		note(p, unfetched)
	}
}

// locked says that a package came in a file that the lock names.
func locked(p *v2_3.Package, file recipes.FetchedFile) {
	p.PackageFileName = path.Base(file.Path)
	if file.Ecosystem == "cargo" {
		p.PackageFileName = p.PackageName + "-" + p.PackageVersion + ".crate"
	}
	p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: file.SHA256}}
	note(p, "Fetched as the lock says: "+file.Ecosystem+" "+withoutUser(file.Path))
}

// unfetched is said of what the lock does not know.
const unfetched = "The lock names no file that it was fetched in: it comes with the sources, or a step of the recipe brought it."

// note adds a line to a package's comment.
func note(p *v2_3.Package, text string) {
	p.PackageComment = strings.TrimPrefix(p.PackageComment+"\n"+text, "\n")
}

// unread counts metadata that tells no name or version. An archive that the
// lock knows by its digest, or that is the service itself, is no mystery.
func (d *description) unread(u language.Unread, sha256 string) {
	_, known := d.fetched.byDigest[sha256]
	known = known || errors.Is(u.Err, language.ErrNameless) && d.isOwnArchive(u.Path)
	d.count(&d.coverage.Components, known, Gap{Path: u.Path, Name: path.Base(u.Path), Reason: fmt.Sprintf("tells no name and version: %v", u.Err)})
}

// componentPurl is the package URL of a component (package-url specification,
// PURL-TYPES).
func componentPurl(c language.Component) purl {
	u := purl{Type: c.Ecosystem, Name: c.Name, Version: c.Version}
	switch c.Ecosystem {
	case "npm":
		u.Namespace, u.Name = splitName(strings.ToLower(c.Name))
	case "pypi":
		u.Name = sameName(c.Ecosystem, c.Name)
	case "maven":
		u.Namespace, u.Name, _ = strings.Cut(c.Name, ":")
		if u.Name == "" {
			u.Namespace, u.Name = "", c.Name
		}
	}
	return u
}
