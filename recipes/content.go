package recipes

// Owners of files in an image, other than a Debian package ("deb:NAME").
const (
	// OwnerService owns what the build put into $DESTDIR.
	OwnerService = "service"
	// OwnerBase owns what kiln itself writes: passwd, os-release, folders.
	OwnerBase = "base"
	// OwnerImage owns the files of a registry image that serves as base.
	OwnerImage = "image"
)

// OwnerDebian is the owner of the files of the Debian package name.
func OwnerDebian(name string) string { return "deb:" + name }

// Content is everything an assembled image of one platform holds. It is made
// once, while the layers are written, so that nothing is hashed twice.
type Content struct {
	// Packages are the Debian packages in the image, by name.
	Packages []Installed `json:"packages"`
	// Files are the entries of the image's file system, by path.
	Files []File `json:"files"`
	// Linked are the static libraries of the build environment that files of
	// the service hold, by the file's path and the package's name.
	Linked []Linked `json:"linked,omitempty"`
}

// Linked says that a file of the service holds code of a package's static
// libraries.
type Linked struct {
	// Path is that of the file.
	Path    string    `json:"path"`
	Package Installed `json:"package"`
	// Archives are the libraries, by path.
	Archives []LinkedArchive `json:"archives"`
}

// LinkedArchive is a static library.
type LinkedArchive struct {
	// Path is where the build environment has it.
	Path string `json:"path"`
	// Members is how many of its objects were recognised, of All that it has.
	// Small ones never are.
	Members int `json:"members"`
	All     int `json:"all"`
}

// Installed is a Debian package in an image.
type Installed struct {
	Package
	Maintainer  string `json:"maintainer"`
	Homepage    string `json:"homepage,omitempty"`
	Description string `json:"description,omitempty"`
	// Copyright is the text of usr/share/doc/NAME/copyright.
	Copyright string `json:"copyright,omitempty"`
}

// File is one entry of an image's file system.
type File struct {
	// Path is absolute and clean.
	Path string `json:"path"`
	// Type is one of the tar.Type constants: TypeReg, TypeDir, TypeSymlink.
	Type byte `json:"type"`
	// Mode holds the permission, setuid, setgid and sticky bits as in tar.
	Mode     int64  `json:"mode"`
	UID      int    `json:"uid"`
	GID      int    `json:"gid"`
	Size     int64  `json:"size"`
	Linkname string `json:"linkname,omitempty"`
	// SHA1 and SHA256 are hex digests of a regular file's content.
	SHA1   string `json:"sha1,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Owner is OwnerService, OwnerBase, OwnerImage or OwnerDebian(name).
	Owner string `json:"owner"`
}
