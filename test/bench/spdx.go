package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// spdx is what is compared of a document, and what it is told from.
type spdx struct {
	CreationInfo  struct{ Creators []string }
	Packages      []spdxPackage
	Files         []spdxFile
	Relationships []struct{ SPDXElementID, RelationshipType, RelatedSPDXElement string }
}

type spdxPackage struct {
	SPDXID, Name, VersionInfo, Comment string
	ExternalRefs                       []struct{ ReferenceLocator string }
}

type spdxFile struct {
	SPDXID, FileName string
	Checksums        []struct{ Algorithm, ChecksumValue string }
}

// owners are the owners of files and links.
func (d spdx) owners() map[string]string {
	packages, paths, owners := map[string]string{}, map[string]string{}, map[string]string{}
	for _, f := range d.Files {
		paths[f.SPDXID] = strings.TrimPrefix(f.FileName, ".")
	}
	for _, p := range d.Packages {
		owner := p.owner()
		packages[p.SPDXID] = owner
		for l := range strings.Lines(p.Comment) {
			if link, _, ok := strings.Cut(l, " -> "); ok && strings.HasPrefix(link, "/") {
				owners[link] = owner
			}
		}
	}
	for _, r := range d.Relationships {
		if file, ok := paths[r.RelatedSPDXElement]; ok && r.RelationshipType == "CONTAINS" && packages[r.SPDXElementID] != "" {
			owners[file] = packages[r.SPDXElementID]
		}
	}
	return owners
}

func (p spdxPackage) owner() string {
	if p.Name == "kiln-base" {
		return recipes.OwnerBase
	}
	for _, r := range p.ExternalRefs {
		if strings.HasPrefix(r.ReferenceLocator, "pkg:deb/") {
			return recipes.OwnerDebian(p.Name)
		}
	}
	return recipes.OwnerService
}

// elements are the files and packages of a document, with digests and versions.
func elements(text []byte) (map[string]string, error) {
	var doc spdx
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, p := range doc.Packages {
		all[p.SPDXID] = p.Name + " " + p.VersionInfo
	}
	for _, f := range doc.Files {
		all[f.SPDXID] = fmt.Sprint(f.FileName, f.Checksums)
	}
	return all, nil
}
