// Command linked is a program with modules in it, for the tests to read.
package main

import (
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
)

func main() {
	ref, err := name.ParseReference(os.Args[1])
	fmt.Println(ref, err)
}
