package main

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// shelf is where an image lies: a registry, or a folder with an OCI layout.
type shelf struct {
	// name is how the user calls the image, without platform, and reference
	// names it by digest where it is in a registry.
	name, reference string

	found push.Found
	image func(context.Context, v1.Hash) (v1.Image, error)
	read  reader
	// repository is the registry's; empty for a folder.
	repository string
	// attach adds what it is given makes for the manifests.
	attach func(context.Context, []v1.Descriptor, push.Attach) error
}

// findImage takes a folder with an OCI layout for that, and everything else
// for an image in a registry.
func findImage(c *cli.Context, arg string) (*shelf, error) {
	folder, digest, err := layoutOf(arg)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		return layoutShelf(folder, digest)
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return nil, err
	}
	p, err := findPublished(c, registry, arg)
	if err != nil {
		return nil, err
	}
	return &shelf{name: arg, reference: p.reference().Name(), found: p.found, image: p.image, read: p.statements, repository: p.repo.Name(), attach: p.attach}, nil
}

func layoutShelf(dir, digest string) (*shelf, error) {
	stored, found, err := readLayout(dir, digest)
	if err != nil {
		return nil, err
	}
	image := func(_ context.Context, d v1.Hash) (v1.Image, error) {
		switch top := stored.Top.(type) {
		case v1.Image:
			return top, nil
		case v1.ImageIndex:
			return top.Image(d)
		}
		return nil, fmt.Errorf("reading %s: it holds neither an image nor an index", dir)
	}
	read := func(_ context.Context, d v1.Hash) (recipes.Attached, error) { return stored.Attached(d), nil }
	attach := func(ctx context.Context, manifests []v1.Descriptor, f push.Attach) error {
		return attachStored(ctx, dir, stored, manifests, f)
	}
	return &shelf{name: dir, reference: dir, found: found, image: image, read: read, attach: attach}, nil
}

// listed are the images of an index, each with its platform. Some tools list
// statements as well, for a platform that is none.
func (s *shelf) listed() []v1.Descriptor {
	var list []v1.Descriptor
	for _, d := range s.found.Manifests {
		if d.MediaType.IsImage() && d.Platform != nil && d.Platform.String() != "unknown/unknown" {
			list = append(list, d)
		}
	}
	return list
}

// choose is the image for a platform (os/arch), which need not be given where
// there is one.
func (s *shelf) choose(platform string) (v1.Hash, error) {
	if len(s.found.Manifests) == 0 && platform == "" {
		return s.found.Descriptor.Digest, nil
	}
	var have []string
	for _, d := range s.listed() {
		if d.Platform.String() == platform {
			return d.Digest, nil
		}
		have = append(have, d.Platform.String())
	}
	switch {
	case len(s.found.Manifests) == 0:
		return v1.Hash{}, usagef("--platform: %s is one image, not an index of several", s.name)
	case platform == "":
		return v1.Hash{}, withHint{usagef("%s is an index of images for several platforms", s.name), "--platform names one of " + strings.Join(have, ", ")}
	}
	return v1.Hash{}, usagef("--platform: %s has no image for %s, only for %s", s.name, platform, strings.Join(have, ", "))
}

// bill is the text of the SPDX document of an image. With an identity it is
// one that verifies, and anything else is an error of sign.
func (s *shelf) bill(ctx context.Context, digest v1.Hash, who *sign.Identity) ([]byte, error) {
	text, _, err := s.billed(ctx, digest, who)
	return text, err
}

// billed is that text, and with an identity all that verifies besides.
func (s *shelf) billed(ctx context.Context, digest v1.Hash, who *sign.Identity) ([]byte, []sign.Statement, error) {
	attached, err := s.read(ctx, digest)
	if err != nil {
		return nil, nil, err
	}
	if who != nil {
		report, err := sign.Verify(ctx, digest, attached, *who, []string{sign.PredicateSPDX})
		if err != nil {
			return nil, nil, err
		}
		statement, _ := report.Statement(sign.PredicateSPDX)
		return statement.Predicate, report.Statements, nil
	}
	list := sign.Unverified(digest, attached, sign.PredicateSPDX)
	switch len(list) {
	case 0:
		return nil, nil, withHint{fmt.Errorf("reading %s: no SPDX document is attached to %s", s.name, digest), "images that kiln built have one; `kiln build` makes it"}
	case 1:
		return list[0].Predicate, nil, nil
	}
	return nil, nil, withHint{fmt.Errorf("reading %s: %d different SPDX documents are attached to %s", s.name, len(list), digest),
		"--key FILE takes the one that this key signed"}
}

// describes reads the SPDX document of an image.
func (s *shelf) describes(ctx context.Context, digest v1.Hash, who *sign.Identity) (*sbom.Document, error) {
	text, err := s.bill(ctx, digest, who)
	if err != nil {
		return nil, err
	}
	doc, err := sbom.Read(text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.name, err)
	}
	return doc, nil
}
