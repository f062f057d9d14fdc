package sbom

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 9562 defines version 5 with SHA-1
	"fmt"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// CycloneDX writes a document as CycloneDX 1.6 JSON. What CycloneDX has no
// field for is in properties whose names begin with "spdx:", so that nothing
// is lost: relationships as "KIND ID", comments, verification codes and the
// texts of unlisted licenses.
func CycloneDX(doc *Document) ([]byte, error) {
	c := &conversion{doc: doc, byID: map[common.ElementID]*v2_3.Package{}, image: described(doc), build: buildOnly(doc)}
	for _, p := range doc.Packages {
		c.byID[p.PackageSPDXIdentifier] = p
	}
	c.sortRelationships()
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(doc.DocumentNamespace)
	bom.Metadata = c.metadata()
	components := c.components()
	bom.Components = &components
	if d := c.dependencies(); len(d) > 0 {
		bom.Dependencies = &d
	}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("writing cyclonedx: %w", err)
	}
	return b.Bytes(), nil
}

// serial is a UUID that is the same for the same document (RFC 9562, section
// 5.5), in the name space of URLs.
func serial(namespace string) string {
	urls := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	u := sha1.Sum(append(urls, namespace...)) //nolint:gosec // a name, not a protection
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// conversion is a document on its way.
type conversion struct {
	doc   *Document
	byID  map[common.ElementID]*v2_3.Package
	image common.ElementID
	// files are the files of each package, dependsOn what each element needs,
	// and others what it has in relation to others besides.
	files, dependsOn map[common.ElementID][]common.ElementID
	others           map[common.ElementID][]string
	// build are the packages that are there for the build alone.
	build map[common.ElementID]bool
}

func (c *conversion) sortRelationships() {
	c.files, c.dependsOn = map[common.ElementID][]common.ElementID{}, map[common.ElementID][]common.ElementID{}
	c.others = map[common.ElementID][]string{}
	for _, r := range c.doc.Relationships {
		a, b := r.RefA.ElementRefID, r.RefB.ElementRefID
		switch {
		case r.Relationship == common.TypeRelationshipDescribe:
		case r.RefB.DocumentRefID != "":
			c.others[a] = append(c.others[a], r.Relationship+" DocumentRef-"+string(r.RefB.DocumentRefID)+":"+ref(b))
		case r.Relationship == common.TypeRelationshipContains && c.byID[b] == nil:
			c.files[a] = append(c.files[a], b)
		case r.Relationship == common.TypeRelationshipContains && a == c.image,
			r.Relationship == common.TypeRelationshipDependsOn, r.Relationship == common.TypeRelationshipStaticLink:
			c.dependsOn[a] = append(c.dependsOn[a], b)
			if r.Relationship != common.TypeRelationshipDependsOn {
				c.others[a] = append(c.others[a], r.Relationship+" "+ref(b))
			}
		default:
			c.others[a] = append(c.others[a], r.Relationship+" "+ref(b))
		}
	}
}

// ref is an element's identifier as SPDX writes it, which it keeps.
func ref(id common.ElementID) string { return "SPDXRef-" + string(id) }

func (c *conversion) metadata() *cdx.Metadata {
	m := &cdx.Metadata{
		Timestamp:  c.doc.CreationInfo.Created,
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhaseBuild}},
		Properties: properties(
			"spdx:name", c.doc.DocumentName, "spdx:namespace", c.doc.DocumentNamespace, "spdx:dataLicense", c.doc.DataLicense,
			"spdx:comment", c.doc.DocumentComment, "spdx:creationComment", c.doc.CreationInfo.CreatorComment,
		),
	}
	if p := c.byID[c.image]; p != nil {
		component := c.component(p)
		m.Component = &component
	}
	var tools []cdx.Component
	for _, t := range c.doc.CreationInfo.Creators {
		name, version := t.Creator, ""
		if i := strings.IndexByte(name, '-'); t.CreatorType == "Tool" && i > 0 {
			name, version = name[:i], name[i+1:]
		}
		tools = append(tools, cdx.Component{Type: cdx.ComponentTypeApplication, Name: name, Version: version})
	}
	m.Tools = &cdx.ToolsChoice{Components: &tools}
	for _, l := range c.doc.OtherLicenses {
		*m.Properties = append(*m.Properties, cdx.Property{Name: "spdx:license:" + l.LicenseIdentifier, Value: l.ExtractedText})
	}
	for _, e := range c.doc.ExternalDocumentReferences {
		*m.Properties = append(*m.Properties, cdx.Property{
			Name:  "spdx:externalDocument:DocumentRef-" + string(e.DocumentRefID),
			Value: e.URI + " " + string(e.Checksum.Algorithm) + ":" + e.Checksum.Value,
		})
	}
	return m
}

// properties are pairs of names and values, without those that say nothing.
func properties(pairs ...string) *[]cdx.Property {
	list := []cdx.Property{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1]; v != "" && v != noAssertion {
			list = append(list, cdx.Property{Name: pairs[i], Value: v})
		}
	}
	return &list
}

func (c *conversion) components() []cdx.Component {
	files := map[common.ElementID]*v2_3.File{}
	for _, f := range c.doc.Files {
		files[f.FileSPDXIdentifier] = f
	}
	all := []cdx.Component{}
	for _, p := range c.doc.Packages {
		if p.PackageSPDXIdentifier == c.image {
			continue
		}
		component := c.component(p)
		var inside []cdx.Component
		for _, id := range c.files[p.PackageSPDXIdentifier] {
			if f := files[id]; f != nil {
				inside = append(inside, c.file(f))
				delete(files, id) // it has one place
			}
		}
		if inside != nil {
			component.Components = &inside
		}
		all = append(all, component)
	}
	for _, f := range c.doc.Files {
		if files[f.FileSPDXIdentifier] != nil {
			all = append(all, c.file(f))
		}
	}
	return all
}

func (c *conversion) file(f *v2_3.File) cdx.Component {
	component := cdx.Component{
		BOMRef: ref(f.FileSPDXIdentifier), Type: cdx.ComponentTypeFile, Name: strings.TrimPrefix(f.FileName, "."),
		Hashes: hashes(f.Checksums),
	}
	pairs := []string{"spdx:fileType", strings.Join(f.FileTypes, " ")}
	for _, o := range c.others[f.FileSPDXIdentifier] {
		pairs = append(pairs, "spdx:relationship", o)
	}
	component.Properties = properties(pairs...)
	return component
}

func hashes(sums []common.Checksum) *[]cdx.Hash {
	var list []cdx.Hash
	for _, s := range sums {
		algorithm := map[common.ChecksumAlgorithm]cdx.HashAlgorithm{
			common.SHA1: cdx.HashAlgoSHA1, common.SHA256: cdx.HashAlgoSHA256, common.SHA512: cdx.HashAlgoSHA512,
		}[s.Algorithm]
		if algorithm != "" {
			list = append(list, cdx.Hash{Algorithm: algorithm, Value: s.Value})
		}
	}
	if list == nil {
		return nil
	}
	return &list
}

// dependencies are those of each element that has some; what the image
// contains counts as such.
func (c *conversion) dependencies() []cdx.Dependency {
	var all []cdx.Dependency
	for _, id := range sortedKeys(c.dependsOn) {
		var on []string
		for _, o := range c.dependsOn[id] {
			on = append(on, ref(o))
		}
		slices.Sort(on)
		on = slices.Compact(on)
		all = append(all, cdx.Dependency{Ref: ref(id), Dependencies: &on})
	}
	return all
}
