package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// description is a document in the making.
type description struct {
	Input
	platform recipes.LockedPlatform
	doc      *v2_3.Document
	ids      ids
	licenses *licenses
	// packages are those described so far, by purl or, without one, by id.
	packages map[string]*v2_3.Package
	image    *v2_3.Package
	service  *v2_3.Package
	fetched  fetched
	coverage Coverage
	names    map[string]bool // of the image's files; nil before they are asked for
}

func newDescription(in Input) (*description, error) {
	i := slices.IndexFunc(in.Lock.Platforms, func(p recipes.LockedPlatform) bool {
		return p.Platform == in.Platform
	})
	if i < 0 {
		return nil, fmt.Errorf("describing image: the lock has no platform %q", in.Platform)
	}
	name := strings.Join([]string{in.Recipe.Name, in.Recipe.Tag(), in.Platform}, "-")
	doc := &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      strings.ReplaceAll(name, "/", "-"),
		DocumentNamespace: namespaceBase + percentEncode(in.Recipe.Name) + "-" + in.Digest.Hex,
		CreationInfo: &v2_3.CreationInfo{
			Creators:       creators(in.Version),
			Created:        created(in.Lock),
			CreatorComment: buildContext,
		},
		Files: make([]*v2_3.File, 0, len(in.Content.Files)),
	}
	return &description{
		Input: in, platform: in.Lock.Platforms[i], doc: doc, ids: ids{},
		licenses: newLicenses(), packages: map[string]*v2_3.Package{},
		fetched: fetchedBy(in.Lock.Platforms[i]),
	}, nil
}

// add puts a package into the document, once for every package URL, and
// returns the one that is there. The id is made of the given words.
func (d *description) add(p *v2_3.Package, idWords ...string) *v2_3.Package {
	key := purlOf(p)
	if key == "" {
		key = strings.Join(idWords, "\x00")
	}
	if have := d.packages[key]; have != nil {
		return have
	}
	p.PackageSPDXIdentifier = d.ids.make("Package", idWords...)
	complete(p)
	d.packages[key] = p
	d.doc.Packages = append(d.doc.Packages, p)
	return p
}

// complete sets the fields that say nothing to the value that says so.
func complete(p *v2_3.Package) {
	for _, f := range []*string{
		&p.PackageDownloadLocation, &p.PackageLicenseDeclared,
		&p.PackageLicenseConcluded, &p.PackageCopyrightText,
	} {
		if *f == "" {
			*f = noAssertion
		}
	}
	if p.PackageSupplier == nil {
		p.PackageSupplier = supplierOf(p)
	}
}

// relate adds the relationship "a kind b" (SPDX 2.3, section 11.1).
func (d *description) relate(a common.ElementID, kind string, b common.ElementID) {
	d.doc.Relationships = append(d.doc.Relationships, &v2_3.Relationship{
		RefA:         common.DocElementID{ElementRefID: a},
		RefB:         common.DocElementID{ElementRefID: b},
		Relationship: kind,
	})
}

// document sorts what was described and returns it.
func (d *description) document() *v2_3.Document {
	slices.SortFunc(d.doc.Packages, func(a, b *v2_3.Package) int {
		return strings.Compare(string(a.PackageSPDXIdentifier), string(b.PackageSPDXIdentifier))
	})
	slices.SortFunc(d.doc.Files, func(a, b *v2_3.File) int { return strings.Compare(a.FileName, b.FileName) })
	slices.SortFunc(d.doc.Relationships, compareRelationships)
	d.doc.Relationships = slices.CompactFunc(d.doc.Relationships, func(a, b *v2_3.Relationship) bool {
		return *a == *b
	})
	d.doc.OtherLicenses = d.licenses.extracted()
	return d.doc
}

func compareRelationships(a, b *v2_3.Relationship) int {
	if c := strings.Compare(string(a.RefA.ElementRefID), string(b.RefA.ElementRefID)); c != 0 {
		return c
	}
	if c := strings.Compare(a.Relationship, b.Relationship); c != 0 {
		return c
	}
	return strings.Compare(string(a.RefB.ElementRefID), string(b.RefB.ElementRefID))
}

// ids are the SPDX identifiers given so far.
type ids map[string]bool

// make returns an identifier of letters, digits, dots and hyphens (SPDX 2.3,
// section 7.2). Where another element has it already, a part of the hash of
// the words is added.
func (m ids) make(prefix string, words ...string) common.ElementID {
	text := strings.Join(words, "-")
	id := prefix + "-" + idString(text)
	for sum := sha256.Sum256([]byte(text)); m[id]; sum = sha256.Sum256(sum[:]) {
		id = prefix + "-" + idString(text) + "-" + hex.EncodeToString(sum[:6])
	}
	m[id] = true
	return common.ElementID(id)
}

// idString replaces each run of other characters than letters, digits, dots
// and hyphens with one hyphen.
func idString(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlphanumeric(c), c == '.', c == '-':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	return strings.Trim(string(b), "-")
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
