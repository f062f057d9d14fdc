package sbom_test

import (
	"archive/tar"
	"context"
	"fmt"
	"log"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

func Example() {
	doc, coverage, err := sbom.Describe(context.Background(), sbom.Input{
		Recipe: &recipes.Recipe{
			Name: "hello", Version: "1.0.0", License: "MIT",
			Sources: []recipes.Source{{Local: &recipes.LocalSource{Path: "."}}},
		},
		Lock: &recipes.Lock{
			Sources:   []recipes.LockedSource{{Kind: "local", Name: "."}},
			Platforms: []recipes.LockedPlatform{{Platform: "linux/amd64"}},
		},
		Platform: "linux/amd64",
		Digest:   v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)},
		Content: &recipes.Content{Files: []recipes.File{{
			Path: "/usr/bin/hello", Type: tar.TypeReg, Mode: 0o755, Owner: recipes.OwnerService,
			SHA1: strings.Repeat("01", 20), SHA256: strings.Repeat("02", 32),
		}}},
		Version: "0.1.0",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range doc.Packages {
		fmt.Println(p.PackageExternalReferences[0].Locator)
	}
	s := sbom.Summarize(doc)
	fmt.Printf("%d package, %d file, all accounted for: %v\n", s.Packages, s.Files, coverage.Complete())
	// Output:
	// pkg:oci/hello@sha256:abababababababababababababababababababababababababababababababab?arch=amd64
	// pkg:generic/hello@1.0.0
	// 1 package, 1 file, all accounted for: true
}
