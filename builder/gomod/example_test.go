package gomod_test

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/gomod"
)

// With GOPROXY=off nothing is asked.
func ExampleClient_Resolve() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // an example
	store, err := blobs.Open(dir)
	if err != nil {
		panic(err)
	}
	c := &gomod.Client{Proxy: "off", Cache: store, Dir: dir, HTTP: http.DefaultClient}
	_, err = c.Resolve(context.Background(), "example.org/module", "v1.0.0")
	fmt.Println(err)
	// Output:
	// resolving Go module example.org/module@v1.0.0: GOPROXY says off
}
