package image_test

import (
	"fmt"

	"github.com/kiln-build/kiln/builder/image"
)

// A base that is no registry image is a list of Debian packages.
func ExampleBasePackages() {
	packages, ok := image.BasePackages("glibc")
	fmt.Println(packages, ok)
	// Output:
	// [ca-certificates tzdata libc6] true
}
