package vex

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/sbom"
)

// Image is what statements are about. Without a digest it is every image of
// the name.
type Image struct {
	// Name is the recipe's, and Repository where the image is pushed to, as
	// registry/path; empty where it is not.
	Name, Repository string
	// Digest is that of the manifest, with its algorithm, and Platform os/arch;
	// empty for an index.
	Digest, Platform string
	// Service are package URLs of the service itself.
	Service []string
}

// products are the spellings by which scanners know an image. They compare
// package URLs in part, and other identifiers as text: which of the two, and
// which of the qualifiers they have, differs from one to the next.
func (i Image) products(subcomponents []string) []Product {
	var ids []string
	name := cmp.Or(i.Repository, i.Name)
	last := strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	for _, purl := range append([]string{"pkg:oci/" + last + at(i.Digest)}, sbom.ImagePURLs(i.Name, i.Repository, i.Digest, i.Platform)...) {
		// The colon of a digest may be encoded, and by some has to be.
		ids = append(ids, purl, strings.Replace(purl, "@sha256:", "@sha256%3A", 1))
	}
	if i.Repository != "" {
		bare := "pkg:oci/" + last + at(i.Digest) + "?repository_url=" + strings.ToLower(i.Repository)
		ids = append(ids, bare, strings.Replace(bare, "@sha256:", "@sha256%3A", 1))
		if i.Digest != "" {
			ids = append(ids, i.Repository+"@"+i.Digest)
		}
	}
	if i.Digest != "" {
		ids = append(ids, i.Digest)
	}
	ids = append(ids, i.Service...)
	var list []Product
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(p Product) bool { return p.ID == id }) {
			list = append(list, i.product(id, subcomponents))
		}
	}
	return list
}

func at(digest string) string {
	if digest == "" {
		return ""
	}
	return "@" + digest
}

func (i Image) product(id string, subcomponents []string) Product {
	p := Product{Component: component(id)}
	if hexsum, ok := strings.CutPrefix(i.Digest, "sha256:"); ok && !slices.Contains(i.Service, id) {
		p.Hashes = map[string]string{"sha-256": hexsum}
	}
	for _, s := range subcomponents {
		p.Subcomponents = append(p.Subcomponents, component(s))
	}
	return p
}

func component(id string) Component {
	c := Component{ID: id}
	if strings.HasPrefix(id, "pkg:") {
		c.Identifiers = map[string]string{"purl": id}
	}
	return c
}
