package recipes

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Attachment is an image that says something about another image: a
// signature or a signed statement.
type Attachment struct {
	Image v1.Image
	// Tag is where cosign's tag layout keeps it. Where it is empty, Image
	// has a subject and is found as its referrer (image-spec, manifest.md,
	// "subject").
	Tag string
}

// Attached is what was found attached to an image. Nothing in it is verified.
type Attached struct {
	// Bundles are the Sigstore bundles among the image's referrers.
	Bundles []Bundle
	// Signatures and Attestations are the images of cosign's tag layout,
	// tags sha256-HEX.sig and sha256-HEX.att. Nil where there is none.
	Signatures, Attestations v1.Image
}

// Bundle is one Sigstore bundle as it was found.
type Bundle struct {
	// Digest is that of the manifest that holds the bundle.
	Digest v1.Hash
	// Claims is the predicate type that the manifest's annotation names;
	// empty where there is no annotation.
	Claims string
	// Data is the bundle's JSON.
	Data []byte
}

// Tag is the image of cosign's tag layout with the given tag, or nil.
func (a Attached) Tag(tag string) v1.Image {
	switch {
	case strings.HasSuffix(tag, ".sig"):
		return a.Signatures
	case strings.HasSuffix(tag, ".att"):
		return a.Attestations
	}
	return nil
}

// SetTag sets what Tag returns.
func (a *Attached) SetTag(at Attachment) {
	switch {
	case strings.HasSuffix(at.Tag, ".sig"):
		a.Signatures = at.Image
	case strings.HasSuffix(at.Tag, ".att"):
		a.Attestations = at.Image
	}
}
