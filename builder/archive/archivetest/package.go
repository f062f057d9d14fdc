package archivetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path/filepath"
)

// Package writes a binary package, whose copyright file says that it is under
// the license, and returns its entry for a Packages index.
func (a *Archive) Package(name, version, license string) (string, error) {
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Someone <someone@example.org>\nDescription: a package\n", name, version)
	copyright := fmt.Sprintf("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2026 Someone\nLicense: %s\n", license)
	var deb bytes.Buffer
	deb.WriteString("!<arch>\n")
	for _, member := range []struct {
		name, file, text string
	}{{"control.tar", "./control", control}, {"data.tar", "./usr/share/doc/" + name + "/copyright", copyright}} {
		packed, err := tarOf(member.file, member.text)
		if err != nil {
			return "", fmt.Errorf("writing package %s: %w", name, err)
		}
		if member.name == "control.tar" {
			arMember(&deb, "debian-binary", []byte("2.0\n"))
		}
		arMember(&deb, member.name, packed)
	}
	file := fmt.Sprintf("pool/main/%s_%s.deb", name, version)
	if err := write(filepath.Join(a.dir, "debian", file), deb.Bytes()); err != nil {
		return "", fmt.Errorf("writing package %s: %w", name, err)
	}
	return fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %s\n\n", control, file, deb.Len(), Hash(deb.String())), nil
}

// tarOf is a tar file with one file, and the folders above it.
func tarOf(name, text string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, c := range name {
		if c == '/' {
			if err := w.WriteHeader(&tar.Header{Name: name[:i+1], Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
				return nil, err
			}
		}
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// arMember adds a member to an ar file (deb(5)).
func arMember(b *bytes.Buffer, name string, content []byte) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, 0, 0, 0, 0o100644, len(content))
	b.Write(content)
	if len(content)%2 == 1 {
		b.WriteByte('\n')
	}
}
