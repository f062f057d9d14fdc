package recipes_test

import (
	"fmt"

	"github.com/kiln-build/kiln/recipes"
)

func ExampleParse() {
	r, err := recipes.Parse("recipe.yaml", []byte(`
kiln: v1
name: hello
version: 1.2.3
summary: Says hello
license: MIT
sources:
  - go: example.org/hello@v${version}
build:
  toolchain: go
  steps:
    - go: {output: /usr/bin/hello}
image:
  base: static
  entrypoint: [/usr/bin/hello]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Name, r.Version, "for", r.Platforms[0], "as", r.Image.User)
	fmt.Println(r.Sources[0], "from line", r.Sources[0].Pos.Line)
	// Output:
	// hello 1.2.3 for linux/amd64 as 65532:65532
	// go example.org/hello@v1.2.3 from line 8
}

func ExampleErrors() {
	_, err := recipes.Parse("recipe.yaml", []byte(`
kiln: v1
name: hello
version: 1.10
sumary: Says hello
license: GPLv2
sources:
  - go: example.org/hello@v1.10.0
build:
  toolchain: go
  steps:
    - golang: {output: /usr/bin/hello}
image:
  base: static
  entrypoint: [/usr/bin/hello]
`))
	fmt.Println(err)
	// Output:
	// recipe.yaml:4:10: version is a number that YAML takes for 1.1
	//   hint: quote it: "1.10"
	// recipe.yaml:5:1: unknown field "sumary"
	//   hint: did you mean "summary"?
	// recipe.yaml:6:10: license "GPLv2" is not an SPDX expression
	//   hint: did you mean "GPL-2.0-only"?
	// recipe.yaml:12:7: unknown step "golang"
	//   hint: did you mean "go"? `kiln explain step go` shows its fields
}

func ExampleInputs() {
	r, err := recipes.Load("testdata/good/go.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, in := range recipes.Inputs(r) {
		fmt.Printf("%s: %s\n", in.Name, in.Value)
	}
	// Output:
	// kiln: v1
	// suite: trixie
	// platforms: linux/amd64
	// sources[0]: go github.com/nats-io/nats-server/v2@v2.15.2
	// build.toolchain: go@1.27
	// build.steps: go
	// image.base: static
}
