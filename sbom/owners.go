package sbom

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// UnownedError says that files of the image belong to no package.
type UnownedError struct {
	// Paths are absolute and sorted.
	Paths []string
}

func (e *UnownedError) Error() string {
	const shown = 5
	list, more := e.Paths, ""
	if len(list) > shown {
		list, more = list[:shown], fmt.Sprintf(" and %d more", len(list)-shown)
	}
	return fmt.Sprintf("accounting for files: %s%s: no package owns it", strings.Join(list, ", "), more)
}

// OwnerError says that a file belongs to a package that is not in the image.
type OwnerError struct {
	Path, Owner string
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("accounting for files: %s: its owner %q is not in the image", e.Path, e.Owner)
}

// owners are the entries of an image's file system, by owner.
type owners map[string]*holding

// holding is what one owner has in the image, each by path.
type holding struct {
	files, symlinks []recipes.File
}

func (o owners) of(owner string) []recipes.File {
	if h := o[owner]; h != nil {
		return h.files
	}
	return nil
}

// account sorts the image's entries by owner. Folders and links must be owned
// as well, though SPDX lists regular files only.
func account(c *recipes.Content) (owners, error) {
	files := byPath(c.Files)
	var unowned []string
	known, own := knownOwners(c), owners{}
	for i, f := range files {
		if f.Owner == "" {
			unowned = append(unowned, f.Path)
			continue
		}
		if !known[f.Owner] {
			return nil, &OwnerError{Path: f.Path, Owner: f.Owner}
		}
		if i > 0 && files[i-1].Path == f.Path {
			return nil, fmt.Errorf("accounting for files: %s is listed twice", f.Path)
		}
		if err := own.take(f); err != nil {
			return nil, err
		}
	}
	if unowned != nil {
		return nil, &UnownedError{Paths: unowned}
	}
	return own, nil
}

// byPath is files in the order of their paths, in which they mostly are.
func byPath(files []recipes.File) []recipes.File {
	compare := func(a, b recipes.File) int { return strings.Compare(a.Path, b.Path) }
	if slices.IsSortedFunc(files, compare) {
		return files
	}
	return slices.SortedFunc(slices.Values(files), compare)
}

func knownOwners(c *recipes.Content) map[string]bool {
	known := map[string]bool{
		recipes.OwnerService: true, recipes.OwnerBase: true, recipes.OwnerImage: true,
	}
	for _, p := range c.Packages {
		known[recipes.OwnerDebian(p.Name)] = true
	}
	return known
}

func (o owners) take(f recipes.File) error {
	h := o[f.Owner]
	if h == nil {
		h = &holding{}
		o[f.Owner] = h
	}
	switch f.Type {
	case tar.TypeDir:
	case tar.TypeSymlink:
		h.symlinks = append(h.symlinks, f)
	case tar.TypeReg:
		if len(f.SHA1) != 40 || len(f.SHA256) != 64 {
			return fmt.Errorf("accounting for files: %s has no sha1 and sha256", f.Path)
		}
		h.files = append(h.files, f)
	default:
		return fmt.Errorf("accounting for files: %s is of type %q, want file, folder or symlink", f.Path, f.Type)
	}
	return nil
}
