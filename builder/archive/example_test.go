package archive_test

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
)

func ExampleCompareVersions() {
	fmt.Println(archive.CompareVersions("1.0~rc1-1", "1.0-1"))
	fmt.Println(archive.CompareVersions("1:0.9-1", "1.0-1"))
	// Output:
	// -1
	// 1
}

// Resolve, download and read the packages of a build environment.
func Example() {
	mirrors, err := archive.HostMirrors("/")
	if err != nil {
		log.Fatal(err)
	}
	keyring, err := archive.DefaultKeyring("/")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := blobs.Open("/var/cache/kiln")
	if err != nil {
		log.Fatal(err)
	}
	client, err := archive.New(archive.Config{
		Mirrors: mirrors, Keyring: keyring, Cache: cache, IndexDir: "/var/cache/kiln/archive",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	index, err := client.Index(ctx, "trixie", "amd64")
	if err != nil {
		log.Fatal(err)
	}
	found, err := index.Resolve(archive.Request{Seeds: []string{"gcc", "golang-1.27-go/trixie-backports"}, Essential: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Fetch(ctx, archive.FilesOf(found.Packages)); err != nil {
		log.Fatal(err)
	}
	for _, p := range found.Packages {
		deb, file, err := archive.OpenDebFile(cache.Path(p.SHA256))
		if err != nil {
			log.Fatal(err)
		}
		err = deb.Files(func(h *tar.Header, r io.Reader) error {
			fmt.Println(p.Name, h.Name)
			return nil
		})
		file.Close()
		if err != nil {
			log.Fatal(err)
		}
	}
}
