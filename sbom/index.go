package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// IndexInput is what is known of an index over a recipe's images.
type IndexInput struct {
	Recipe *recipes.Recipe
	Lock   *recipes.Lock
	// Repository is as in [Input].
	Repository string
	// Digest is that of the index.
	Digest v1.Hash
	Images []IndexImage
	// Version is kiln's own.
	Version string
}

// IndexImage is one of the images that an index lists.
type IndexImage struct {
	Platform string // os/arch
	Digest   v1.Hash
	// Namespace is that of the document which describes the image, and Text
	// that document's JSON as it is attached.
	Namespace string
	Text      []byte
}

// DescribeIndex returns the SPDX 2.3 document of an index: the index, the
// images that are its variants, and for each the document that describes what
// is in it (section 6.6, external document references).
func DescribeIndex(in IndexInput) (*v2_3.Document, error) {
	if len(in.Images) == 0 {
		return nil, errors.New("describing index: it lists no images")
	}
	d := &description{
		Input:    Input{Recipe: in.Recipe, Lock: in.Lock, Repository: in.Repository, Digest: in.Digest},
		doc:      indexDocument(in),
		ids:      ids{},
		licenses: newLicenses(),
		packages: map[string]*v2_3.Package{},
	}
	d.describeImage()
	d.image.PackageLicenseDeclared = in.Recipe.License
	for _, i := range in.Images {
		d.variant(i)
	}
	return d.document(), nil
}

func indexDocument(in IndexInput) *v2_3.Document {
	return &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      in.Recipe.Name + "-" + in.Recipe.Tag(),
		DocumentNamespace: namespaceBase + percentEncode(in.Recipe.Name) + "-" + in.Digest.Hex,
		CreationInfo:      &v2_3.CreationInfo{Creators: creators(in.Version), Created: created(in.Lock)},
	}
}

// variant adds one image of the index, and where it is described.
func (d *description) variant(i IndexImage) {
	repo := d.Repository
	if repo == "" {
		repo = d.Recipe.Name
	}
	p := ociPackage(repo, i.Digest.String(), i.Platform)
	p.PackageExternalReferences = ociPurl(repo, i.Digest.String(), i.Platform, d.Repository).ref()
	p.PackageName, p.PackageVersion = d.Recipe.Name, d.Recipe.Version
	variant := d.add(p, "image", d.Recipe.Name, strings.ReplaceAll(i.Platform, "/", "-"))
	d.relate(variant.PackageSPDXIdentifier, common.TypeRelationshipVariantOf, d.image.PackageSPDXIdentifier)

	name := common.DocumentID(idString(strings.ReplaceAll(i.Platform, "/", "-")))
	sum := sha256.Sum256(i.Text)
	d.doc.ExternalDocumentReferences = append(d.doc.ExternalDocumentReferences, v2_3.ExternalDocumentRef{
		DocumentRefID: name, URI: i.Namespace,
		Checksum: common.Checksum{Algorithm: common.SHA256, Value: hex.EncodeToString(sum[:])},
	})
	d.doc.Relationships = append(d.doc.Relationships, &v2_3.Relationship{
		RefA:         common.DocElementID{ElementRefID: variant.PackageSPDXIdentifier},
		RefB:         common.DocElementID{DocumentRefID: name, ElementRefID: d.doc.SPDXIdentifier},
		Relationship: common.TypeRelationshipDescribeBy,
	})
}
