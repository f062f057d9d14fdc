package archive

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Dsc is what a source package's .dsc says about its parts (dsc(5),
// dpkg-source(1)).
type Dsc struct {
	Name, Version string
	// Format is "1.0", "3.0 (quilt)" or "3.0 (native)".
	Format string
	// Orig is the upstream tarball, or for a native package the tarball.
	Orig File
	// Components are further upstream tarballs by the folder that each is
	// unpacked in; only 3.0 (quilt) has them.
	Components map[string]File
	// Debian is the tarball of the folder debian (3.0), with the series of
	// patches in debian/patches; zero for a native package and format 1.0.
	Debian File
	// Diff is the gzipped patch of format 1.0; zero for the others.
	Diff File
}

// Native reports whether the package has no upstream tarball of its own.
func (d *Dsc) Native() bool { return d.Debian.Path == "" && d.Diff.Path == "" }

const maxDsc = 4 << 20

// ParseDsc reads the .dsc of src and says which of its files is what.
//
// It trusts src, which comes from an index that the archive's keys vouch for:
// every file that the .dsc names must be in src with the same size and digest.
// The .dsc's own OpenPGP signature is by the developer who uploaded it and is
// not checked; the archive did that when it took the upload.
func ParseDsc(text []byte, src Source) (*Dsc, error) {
	d, err := parseDsc(text, src)
	if err != nil {
		return nil, fmt.Errorf("reading .dsc of %s %s: %w", src.Name, src.Version, err)
	}
	return d, nil
}

func parseDsc(text []byte, src Source) (*Dsc, error) {
	if len(text) > maxDsc {
		return nil, fmt.Errorf("it is larger than %d bytes", maxDsc)
	}
	f, err := parseStanza(withoutSignature(text))
	if err != nil {
		return nil, err
	}
	if f["source"] != src.Name || f["version"] != src.Version {
		return nil, fmt.Errorf("it is of %.100q %.100q", f["source"], f["version"])
	}
	listed, err := parseChecksums(f["checksums-sha256"])
	if err != nil {
		return nil, err
	}
	d := &Dsc{Name: src.Name, Version: src.Version, Format: f["format"], Components: map[string]File{}}
	for _, file := range src.Files {
		name := path.Base(file.Path)
		if strings.HasSuffix(name, ".dsc") {
			continue
		}
		if listed[name] != (indexFile{file.SHA256, file.Size}) {
			return nil, fmt.Errorf("%s is not what the archive's index says", name)
		}
		delete(listed, name)
		if err := d.assign(name, file); err != nil {
			return nil, err
		}
	}
	if len(listed) > 0 {
		return nil, errors.New("it names files that the archive's index does not")
	}
	return d, d.check()
}

// withoutSignature returns the text inside a cleartext signature, unverified.
func withoutSignature(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		return b
	}
	_, b, _ = bytes.Cut(b, []byte("\n\n"))
	b, _, _ = bytes.Cut(b, []byte("\n-----BEGIN PGP SIGNATURE-----"))
	return append(bytes.Clone(b), '\n')
}

var (
	tarball   = regexp.MustCompile(`\.tar\.(gz|xz|bz2|lzma|zst)$`)
	component = regexp.MustCompile(`\.orig-([A-Za-z0-9-]+)\.tar\.[a-z0-9]+$`)
)

// assign gives a file its part by its name.
func (d *Dsc) assign(name string, f File) error {
	part := &d.Orig
	switch {
	case strings.HasSuffix(name, ".asc"):
		return nil // upstream's signature of a tarball
	case strings.HasSuffix(name, ".diff.gz"):
		part = &d.Diff
	case !tarball.MatchString(name):
		return fmt.Errorf("%s is no part of a source package", name)
	case strings.Contains(name, ".debian.tar."):
		part = &d.Debian
	case component.MatchString(name):
		d.Components[component.FindStringSubmatch(name)[1]] = f
		return nil
	}
	if part.Path != "" {
		return fmt.Errorf("%s and %s are in each other's place", path.Base(part.Path), name)
	}
	*part = f
	return nil
}

// check compares the parts with what the format has.
func (d *Dsc) check() error {
	has := map[string]bool{"upstream tarball": d.Orig.Path != "", "debian tarball": d.Debian.Path != "", "diff": d.Diff.Path != ""}
	var want []string
	switch d.Format {
	case "3.0 (quilt)":
		want = []string{"upstream tarball", "debian tarball"}
	case "3.0 (native)":
		want = []string{"upstream tarball"}
	case "1.0":
		want = []string{"upstream tarball"}
		if d.Diff.Path != "" {
			want = append(want, "diff")
		}
	default:
		return fmt.Errorf("format %q is not known", d.Format)
	}
	for _, part := range []string{"upstream tarball", "debian tarball", "diff"} {
		if has[part] != slices.Contains(want, part) {
			return fmt.Errorf("format %s with a %s: %v", d.Format, part, has[part])
		}
	}
	return nil
}
