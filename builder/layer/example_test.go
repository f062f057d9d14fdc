package layer_test

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// The same entries, in any order, are the same layer.
func ExampleWrite() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // an example
	store, err := blobs.Open(dir)
	if err != nil {
		panic(err)
	}
	hello := layer.Entry{
		File: recipes.File{Path: "/etc/motd", Type: tar.TypeReg, Mode: 0o644, Size: 6, Owner: recipes.OwnerService},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello\n")), nil },
	}
	folders := layer.Parents([]layer.Entry{hello}, recipes.OwnerBase, 0, func(string) bool { return false })
	l, err := layer.Write(store, append(folders, hello), layer.None)
	if err != nil {
		panic(err)
	}
	for _, f := range l.Files {
		fmt.Printf("%c %04o %.8s %s\n", f.Type, f.Mode, f.SHA256, f.Path)
	}
	fmt.Println(l.Type)
	// Output:
	// 5 0755  /etc
	// 0 0644 5891b5b5 /etc/motd
	// application/vnd.oci.image.layer.v1.tar
}
