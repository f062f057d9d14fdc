package sbom

import (
	"crypto/sha1" //nolint:gosec // SPDX 2.3 section 7.9 is defined with SHA-1
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// give lists the files that p owns and relates them to it. Symlinks are no
// files in SPDX; they stand in the package's comment.
func (d *description) give(p *v2_3.Package, h *holding) {
	if h == nil {
		return
	}
	if len(h.symlinks) > 0 {
		p.PackageComment = strings.TrimPrefix(p.PackageComment+"\n"+symlinkComment(h.symlinks), "\n")
	}
	if len(h.files) == 0 {
		return
	}
	p.FilesAnalyzed = true
	p.PackageVerificationCode = &common.PackageVerificationCode{Value: verificationCode(h.files)}
	p.PackageLicenseInfoFromFiles = []string{noAssertion}
	for _, f := range h.files {
		id := d.addFile(f)
		d.relate(p.PackageSPDXIdentifier, common.TypeRelationshipContains, id)
	}
}

// addFile lists one regular file (SPDX 2.3, clause 8). Of its license nothing
// is said, which means the same as NOASSERTION (section 8.5) in less space.
func (d *description) addFile(f recipes.File) common.ElementID {
	id := fileID(f.Path)
	d.doc.Files = append(d.doc.Files, &v2_3.File{
		FileName:           "." + f.Path,
		FileSPDXIdentifier: id,
		FileTypes:          []string{fileType(f)},
		Checksums: []common.Checksum{
			{Algorithm: common.SHA1, Value: f.SHA1},
			{Algorithm: common.SHA256, Value: f.SHA256},
		},
		FileCopyrightText: noAssertion,
	})
	return id
}

// fileID is the identifier of the file at a path: its name for people, and a
// hash of the path, so that it depends on nothing else in the image.
func fileID(p string) common.ElementID {
	sum := sha1.Sum([]byte(p)) //nolint:gosec // an identifier, not a protection
	return common.ElementID("File-" + idString(path.Base(p)) + "-" + hex.EncodeToString(sum[:8]))
}

// verificationCode is the SHA-1 of the sorted SHA-1s of the files (SPDX 2.3,
// section 7.9).
func verificationCode(files []recipes.File) string {
	sums := make([]string, len(files))
	for i, f := range files {
		sums[i] = f.SHA1
	}
	slices.Sort(sums)
	sum := sha1.Sum([]byte(strings.Join(sums, ""))) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

func symlinkComment(links []recipes.File) string {
	var b strings.Builder
	b.WriteString("symbolic links:")
	for _, l := range links {
		b.WriteString("\n" + l.Path + " -> " + l.Linkname)
	}
	return b.String()
}

// fileType is the type of a file (SPDX 2.3, section 8.3) as far as its path
// and mode tell.
func fileType(f recipes.File) string {
	base := path.Base(f.Path)
	switch ext := path.Ext(base); {
	case strings.HasPrefix(f.Path, "/usr/share/doc/"), strings.HasPrefix(f.Path, "/usr/share/man/"):
		return "DOCUMENTATION"
	case ext == ".so", strings.Contains(base, ".so."), ext == ".a", ext == ".o":
		return "BINARY"
	case slices.Contains([]string{".gz", ".xz", ".bz2", ".zst", ".zip", ".jar", ".whl", ".tar"}, ext):
		return "ARCHIVE"
	case slices.Contains([]string{".c", ".h", ".go", ".py", ".rb", ".pl", ".pm", ".js", ".lua", ".sh"}, ext):
		return "SOURCE"
	case slices.Contains([]string{".png", ".jpg", ".gif", ".svg", ".ico", ".webp"}, ext):
		return "IMAGE"
	case slices.Contains([]string{".txt", ".md", ".conf", ".cnf", ".json", ".yaml", ".yml", ".toml", ".ini",
		".html", ".css", ".xml", ".crt", ".pem", ".tab"}, ext):
		return "TEXT"
	case f.Mode&0o111 != 0:
		return "BINARY"
	case strings.HasPrefix(f.Path, "/etc/"):
		return "TEXT"
	}
	return "OTHER"
}
