package image

import (
	"archive/tar"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// maxStatus is the size of dpkg's database in bytes that is read: that of a
// desktop with all its packages has a few million.
const maxStatus = 64 << 20

// installed are the packages that dpkg's databases in an image name, by name.
func installed(entries []layer.Entry) ([]recipes.Package, error) {
	var list []recipes.Package
	for _, e := range entries {
		if !isStatus(e) {
			continue
		}
		if e.Size > maxStatus {
			return nil, fmt.Errorf("%s has %d bytes", e.Path, e.Size)
		}
		text, err := beginning(e, maxStatus)
		if err != nil {
			return nil, err
		}
		found, err := archive.Installed([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		list = append(list, found...)
	}
	slices.SortStableFunc(list, func(a, b recipes.Package) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(list), nil
}

// isStatus reports whether a file is one of dpkg's databases: status, or one of
// status.d, where digests of files stand beside them.
func isStatus(e layer.Entry) bool {
	const dpkg = "/var/lib/dpkg/"
	dir, file := path.Split(e.Path)
	return e.Type == tar.TypeReg && (e.Path == dpkg+"status" || dir == dpkg+"status.d/" && !strings.HasSuffix(file, ".md5sums"))
}

// osOf reads an image's os-release.
func osOf(entries []layer.Entry) (id, codename string, err error) {
	for _, file := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := contentOf(entries, file)
		if err != nil {
			return "", "", fmt.Errorf("inspecting %s: %w", file, err)
		}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch value = strings.Trim(value, `"'`); name {
			case "ID":
				id = value
			case "VERSION_CODENAME":
				codename = value
			}
		}
		if id != "" {
			break
		}
	}
	return id, codename, nil
}
