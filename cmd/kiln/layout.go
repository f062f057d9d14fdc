package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiln-build/kiln/builder/push"
)

// layoutOf takes what people call an image for a folder with an OCI layout
// where there is one of that name, or "oci:" before it says so; a digest may
// follow it, as in what kiln build prints. The folder is empty for an image in
// a registry. What is there and is no layout is an error.
func layoutOf(arg string) (folder, digest string, err error) {
	folder, said := strings.CutPrefix(arg, "oci:")
	if isLayout(folder) {
		return folder, "", nil
	}
	folder, digest, _ = strings.Cut(folder, "@")
	if said || isLayout(folder) {
		return folder, digest, nil
	}
	if _, err := os.Stat(folder); err == nil || strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "/") {
		return "", "", withHint{fmt.Errorf("reading %s: it is no OCI layout", folder), "name an image in a registry, or a folder that `kiln build --oci` wrote"}
	}
	return "", "", nil
}

func isLayout(folder string) bool { return isFile(filepath.Join(folder, "index.json")) }

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

// readLayout reads the layout in a folder, which must hold what has the digest,
// unless that is empty.
func readLayout(folder, digest string) (*push.Stored, push.Found, error) {
	stored, err := push.ReadLayout(folder)
	if err != nil {
		return nil, push.Found{}, err
	}
	found, err := stored.Found()
	if err != nil {
		return nil, push.Found{}, err
	}
	if have := found.Descriptor.Digest.String(); digest != "" && digest != have {
		return nil, push.Found{}, fmt.Errorf("reading %s: it holds %s", folder, have)
	}
	return stored, found, nil
}
