package main

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/hardening"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

// result is what a build has to say, as --output json prints it.
type result struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Variant string `json:"variant,omitempty"`
	// Digest is that of the image, or of the index over the platforms' images.
	Digest    string `json:"digest"`
	Reference string `json:"reference"`
	// References are the reference by digest and those by tag.
	References []string `json:"references"`
	Key        string   `json:"buildKey"`
	// Unchanged is whether the image was there already, verified.
	Unchanged  bool              `json:"unchanged"`
	Platforms  []*platformResult `json:"platforms"`
	User       string            `json:"user"`
	SignedBy   string            `json:"signedBy"`
	DevKey     bool              `json:"developmentKey"`
	Statements []string          `json:"statements,omitempty"`
	Loaded     string            `json:"loaded,omitempty"`
	// Timings are in seconds, by stage.
	Timings map[string]float64 `json:"timings"`
}

// platformResult is about the image of one platform.
type platformResult struct {
	Platform  string `json:"platform"`
	Digest    string `json:"digest"`
	Reference string `json:"reference"`
	// Size is of the compressed layers and the configuration, in bytes.
	Size     int64 `json:"size,omitempty"`
	Packages int   `json:"packages,omitempty"`
	Files    int   `json:"files,omitempty"`
	// Coverage says how much of the image the SBOM accounts for.
	Coverage *sbom.Coverage `json:"coverage,omitempty"`
	// Added are the packages that the closure found a need for.
	Added map[string]string `json:"added,omitempty"`
	// Linked are the static libraries in the programs and libraries of the
	// service.
	Linked []linkedResult `json:"linked,omitempty"`
	// Hardening is what protects the programs and libraries of the service.
	Hardening []hardening.Binary `json:"hardening,omitempty"`
	// Notes are what programs may open while they run and the image lacks.
	Notes  []image.Note         `json:"notes,omitempty"`
	Tests  []recipes.TestResult `json:"tests,omitempty"`
	Engine string               `json:"engine,omitempty"`
	// Timings are those of this platform's build alone, where there are
	// several.
	Timings map[string]float64 `json:"timings,omitempty"`
}

// result is what is known before anything is built.
func (b *build) result() *result {
	return &result{
		Name: b.recipe.Name, Version: b.recipe.Version, Variant: b.recipe.Variant, Key: builder.IndexKey(b.keys), User: b.recipe.Image.User,
		DevKey: b.signer.dev, Statements: b.attached(), Timings: b.clock.laps,
	}
}

// place notes where the image is, or the index.
func (b *build) place(res *result, digest v1.Hash) {
	res.Digest, res.Reference = digest.String(), b.target.reference(digest)
	res.References = append([]string{res.Reference}, b.target.tagged()...)
}
