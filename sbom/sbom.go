// Package sbom writes the software bill of materials of an image: an SPDX 2.3
// document that names every package in it, the service itself, the components
// of language ecosystems in it (Go modules, crates, npm packages, wheels, Maven
// artifacts), static libraries of the build environment in it, the tools it was built with, and every file with its digests and
// the package it belongs to.
//
// It hashes nothing: what is in the image was recorded while its layers were
// written ([recipes.Content]), and what went into it stands in recipe and lock.
// Components are found in the service's own files, and compared with what the
// lock says was fetched. It does not match vulnerabilities, sign
// or attach. The same input gives the same bytes, on any machine.
//
// Start at [Describe]; [Marshal] writes the document as JSON and [Summarize]
// counts what it holds.
package sbom

import (
	"bytes"
	"context"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/language"
)

const (
	noAssertion   = "NOASSERTION"
	namespaceBase = "https://github.com/kiln-build/kiln/spdx/"
)

// Input is what is known of a built image of one platform. Recipe, Lock,
// Platform, Digest and Content are required.
type Input struct {
	Recipe *recipes.Recipe
	Lock   *recipes.Lock
	// Platform is os/arch[/variant], one of the lock's platforms.
	Platform string
	// Repository is where the image is pushed to, as registry/path. Empty
	// leaves the repository out of the image's package URL.
	Repository string
	// Digest is that of the image's manifest.
	Digest  v1.Hash
	Content *recipes.Content
	// Tools are the names of the packages of the build environment that make
	// up the toolchain; the environment's other packages are described as
	// dependencies of the build.
	Tools []string
	// Open opens a file of the image by its absolute path. It is asked for
	// the service's own files only, to find what they are made of. With a nil
	// Open no modules and components are described. What is not there is an
	// error that is fs.ErrNotExist.
	Open func(path string) (File, error)
	// Version is kiln's own.
	Version string
}

// File is an open file of the image.
type File = language.File

// Describe returns the SPDX 2.3 document of an image, and how much of the image
// it accounts for.
//
// It is an *[UnownedError] where a file belongs to no package, and an
// *[OwnerError] where it belongs to one that is not in the image.
func Describe(ctx context.Context, in Input) (*v2_3.Document, Coverage, error) {
	own, err := account(in.Content)
	if err != nil {
		return nil, Coverage{}, err
	}
	d, err := newDescription(in)
	if err != nil {
		return nil, Coverage{}, err
	}
	d.describeImage()
	if err := d.describeSources(); err != nil {
		return nil, Coverage{}, err
	}
	service := own.of(recipes.OwnerService)
	if err := d.describeComponents(ctx, own); err != nil {
		return nil, Coverage{}, err
	}
	if err := d.describeOwners(own); err != nil {
		return nil, Coverage{}, err
	}
	d.describeLinked()
	if err := d.describeBuild(); err != nil {
		return nil, Coverage{}, err
	}
	if err := d.describePrograms(service); err != nil {
		return nil, Coverage{}, err
	}
	d.cover()
	return d.document(), d.coverage, nil
}

// Marshal writes the document as JSON on one line.
func Marshal(doc *v2_3.Document) ([]byte, error) {
	var buf bytes.Buffer
	if err := spdxjson.Write(doc, &buf, spdxjson.EscapeHTML(false)); err != nil {
		return nil, fmt.Errorf("writing spdx document: %w", err)
	}
	return buf.Bytes(), nil
}

// created is the time that the document gives as its creation: the image's
// SOURCE_DATE_EPOCH (SPDX 2.3, section 6.9).
func created(lock *recipes.Lock) string {
	return time.Unix(lock.Epoch.Seconds, 0).UTC().Format(time.RFC3339)
}

// creators is who made the document (SPDX 2.3, section 6.8).
func creators(version string) []common.Creator {
	return []common.Creator{{CreatorType: "Tool", Creator: "kiln-" + version}}
}

// buildContext says when in the life of the software the document was made
// (CISA, "Types of Software Bill of Materials").
const buildContext = "SBOM type: build. Made while the image was built, from the lock, the files that went into the image, " +
	"and what compilers and package managers left in them; the time is the one that the image is dated with."
