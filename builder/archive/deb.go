package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// Deb is an open binary package (deb(5)).
type Deb struct {
	// Control is the package's control file.
	Control Control
	// name is how errors call the package.
	name          string
	control, data arMember
}

// Control is what the control file of a binary package says (Debian Policy,
// section 5.3).
type Control struct {
	Package, Version, Architecture string
	// Source and SourceVersion name the source package; empty where they
	// equal Package and Version.
	Source, SourceVersion string
	Maintainer, Homepage  string
	// Description is the whole field: a line, then the continuation lines.
	Description string
	// Depends and PreDepends are the fields' text.
	Depends, PreDepends string
	MultiArch           string
}

// arMember is a member of an ar archive.
type arMember struct {
	name string
	*io.SectionReader
}

// OpenDebFile opens the .deb in the file name. The caller closes the file
// after the last use of the Deb.
func OpenDebFile(name string) (*Deb, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("opening package: %w", err)
	}
	fi, err := f.Stat()
	if err == nil {
		var d *Deb
		if d, err = OpenDeb(f, fi.Size()); err == nil {
			return d, f, nil
		}
	}
	f.Close()
	return nil, nil, err
}

// OpenDeb reads the control file of the .deb of size bytes in r.
func OpenDeb(r io.ReaderAt, size int64) (*Deb, error) {
	members, err := arMembers(r, size)
	if err != nil {
		return nil, fmt.Errorf("reading package: %w", err)
	}
	d := &Deb{name: "package"}
	if err := d.readControl(members[1]); err != nil {
		return nil, fmt.Errorf("reading control file of package: %w", err)
	}
	d.name = d.Control.Package + " " + d.Control.Version
	d.control, d.data = members[1], members[2]
	return d, nil
}

const arMagic = "!<arch>\n"

// arMembers returns the three members that a .deb consists of: the version of
// the format, the control archive and the data archive. Names that begin with
// an underscore are skipped, and what follows the data is not looked at
// (deb(5)).
func arMembers(r io.ReaderAt, size int64) ([]arMember, error) {
	want := []string{"debian-binary", "control.tar", "data.tar"}
	magic := make([]byte, len(arMagic))
	if _, err := r.ReadAt(magic, 0); err != nil || string(magic) != arMagic {
		return nil, errors.New("it is not an ar archive")
	}
	var out []arMember
	for at := int64(len(arMagic)); len(out) < len(want); {
		name, n, err := arHeader(r, at)
		if err != nil {
			return nil, err
		}
		at += 60
		if n > size-at {
			return nil, fmt.Errorf("member %q is larger than the file", name)
		}
		base, _, _ := strings.Cut(name, ".tar")
		switch {
		case strings.HasPrefix(name, "_"):
		case base != strings.TrimSuffix(want[len(out)], ".tar"):
			return nil, fmt.Errorf("member %q is where %s must be", name, want[len(out)])
		default:
			out = append(out, arMember{name, io.NewSectionReader(r, at, n)})
		}
		at += n + n%2
	}
	var format [4]byte
	if _, err := out[0].ReadAt(format[:], 0); err != nil || string(format[:2]) != "2." {
		return nil, fmt.Errorf("its format is %q, want 2.0", format)
	}
	return out, nil
}

// arHeader reads the 60-byte header of a member.
func arHeader(r io.ReaderAt, at int64) (name string, size int64, err error) {
	var h [60]byte
	if _, err := r.ReadAt(h[:], at); err != nil {
		return "", 0, fmt.Errorf("reading ar header: %w", noEOF(err))
	}
	name = strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	size, err = strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
	if err != nil || size < 0 || string(h[58:]) != "`\n" {
		return "", 0, fmt.Errorf("ar header of %q is malformed", name)
	}
	return name, size, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Limits of the control archive; real ones are below a megabyte, save for the
// md5sums of packages with very many files.
const (
	maxControlTar  = 64 << 20
	maxControlFile = 1 << 20
)

func (d *Deb) readControl(m arMember) error {
	z, err := decompress(m.name, m)
	if err != nil {
		return err
	}
	defer z.Close()
	t := tar.NewReader(io.LimitReader(z, maxControlTar))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("there is none")
		}
		if err != nil {
			return err
		}
		if path.Clean(h.Name) != "control" || h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := readLimited(t, maxControlFile, int(min(h.Size, maxControlFile)))
		if err != nil {
			return err
		}
		d.Control, err = parseControl(text)
		return err
	}
}

func parseControl(text []byte) (Control, error) {
	f, err := parseStanza(text)
	if err != nil {
		return Control{}, err
	}
	c := Control{
		Package: f["package"], Version: f["version"], Architecture: f["architecture"],
		Maintainer: f["maintainer"], Homepage: f["homepage"], Description: f["description"],
		Depends: f["depends"], PreDepends: f["pre-depends"], MultiArch: f["multi-arch"],
	}
	c.Source, c.SourceVersion = sourceField(f["source"], c.Package, c.Version)
	return c, errors.Join(checkName(c.Package), checkVersion(c.Version), checkName(c.Architecture))
}

// Files calls f for every entry of the package's file system, in the order of
// the archive. The header's Name is relative and clean ("usr/bin/env"), with
// no trailing slash, and so is the Linkname of a hard link. The entry for the
// root itself is left out. An entry that breaks a rule is not handed on: Files
// ends with an [*EntryError].
func (d *Deb) Files(f func(h *tar.Header, r io.Reader) error) error {
	packed := &tally{r: io.NewSectionReader(d.data, 0, d.data.Size())}
	z, err := decompress(d.data.name, packed)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", d.name, err)
	}
	defer z.Close()
	plain := &bounded{r: z, packed: packed}
	t := tar.NewReader(plain)
	check := entryCheck{seen: map[string]byte{}, parents: map[string]bool{}}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = check.entry(h)
		}
		if err == nil && h.Name != "." {
			err = f(h, t)
		}
		if err != nil {
			return d.explain(h, err)
		}
	}
}

// maxCopyright bounds a copyright file, in bytes.
const maxCopyright = 4 << 20

// Copyright is the text of the package's copyright file (Debian Policy, section
// 12.5); empty where it shares that of another package.
func (d *Deb) Copyright() (string, error) {
	var text []byte
	err := d.Files(func(h *tar.Header, r io.Reader) error {
		if h.Name != "usr/share/doc/"+d.Control.Package+"/copyright" || h.Typeflag != tar.TypeReg {
			return nil
		}
		var err error
		text, err = readLimited(r, maxCopyright, 0)
		return err
	})
	return string(text), err
}

// explain says in an error which package and entry it is about.
func (d *Deb) explain(h *tar.Header, err error) error {
	var rule ruleError
	if !errors.As(err, &rule) {
		return fmt.Errorf("unpacking %s: %w", d.name, err)
	}
	e := &EntryError{Package: d.name, Rule: string(rule)}
	if h != nil {
		e.Entry = h.Name
	}
	return e
}

// EntryError says that a package was refused because of what it would unpack.
type EntryError struct {
	// Package is its name and version.
	Package string
	// Entry is the name in the archive, as it is there.
	Entry string
	// Rule is what the entry breaks.
	Rule string
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("unpacking %s: refusing entry %.300q: %s", e.Package, e.Entry, e.Rule)
}
