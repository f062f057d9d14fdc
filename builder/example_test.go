package builder_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// A plan is made without an engine, and can be looked at.
func ExampleNewPlan() {
	r, err := recipes.Parse("recipe.yaml", []byte(`kiln: v1
name: tool
version: "1"
summary: An example
license: MIT
sources:
  - local: src
build:
  image: registry.example.org/build@sha256:`+strings.Repeat("a", 64)+`
  steps:
    - make: {targets: [all], install: []}
image:
  base: static
  entrypoint: [/usr/bin/tool]
`))
	if err != nil {
		log.Fatal(err)
	}
	lock := &recipes.Lock{
		Sources:   []recipes.LockedSource{{Kind: recipes.KindLocal, Name: "src"}},
		Platforms: []recipes.LockedPlatform{{Platform: "linux/amd64"}},
	}
	digest := func(c string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(c, 64)} }
	plan, err := builder.NewPlan(r, lock, "linux/amd64", builder.Inputs{Root: digest("b"), Sources: digest("c")})
	if err != nil {
		log.Fatal(err)
	}
	def, err := plan.Artifacts.Marshal(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	// The last operation is the definition's result.
	fmt.Println(len(def.Def)-1, "operations")
	// Output: 3 operations
}

func ExampleToolchainPackages() {
	packages, err := builder.ToolchainPackages("gcc@14")
	fmt.Println(packages, err)
	// Output: [gcc-14 g++-14 libc6-dev make] <nil>
}
