package language

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"

	"github.com/kiln-build/kiln/recipes"
)

const maven = "maven"

// java reads an archive and the archives in it. One that says nothing of
// itself, and whose name tells nothing, has no component.
func (f *finder) java(ctx context.Context, file recipes.File, r *io.SectionReader) ([]Component, error) {
	found, err := f.extract(ctx, maven, file, r)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(n named) bool { return n.version == "unknown" || n.version == "" })
	if len(found) == 0 {
		return nil, nameless(r)
	}
	licenses := map[string]string{}
	pomLicenses(r, r.Size(), licenses, 0)
	var all []Component
	for _, n := range found {
		c := Component{Ecosystem: maven, Name: n.name, Version: n.version, Path: file.Path, License: licenses[n.name]}
		c.Whole = len(found) == 1 || isNamed(file.Path, n)
		c.Inside = !c.Whole
		if !slices.ContainsFunc(all, func(o Component) bool { return o.Name == c.Name && o.Version == c.Version }) {
			all = append(all, c)
		}
	}
	return all, nil
}

// nameless is why an archive has no component: ErrNameless is of one that holds
// no others, whose names might be asked for.
func nameless(r *io.SectionReader) error {
	z, err := zip.NewReader(r, r.Size())
	if err != nil {
		return err
	}
	for _, e := range z.File {
		if archive.IsArchive(e.Name) {
			return fmt.Errorf("neither has it, nor %s in it", e.Name)
		}
	}
	return ErrNameless
}

// isNamed reports whether an archive's file name is that of the component, as
// Maven names it: artifact-version.jar.
func isNamed(p string, n named) bool {
	base := strings.TrimSuffix(path.Base(p), path.Ext(p))
	return base == n.name[strings.LastIndex(n.name, ":")+1:]+"-"+n.version
}

// Bounds on archives in archives.
const (
	maxDepth = 4
	maxInner = 256 << 20
	maxPom   = 4 << 20
)

// pomLicenses reads the licenses of the project files in an archive, by
// group:artifact. What cannot be read has none.
func pomLicenses(r io.ReaderAt, size int64, licenses map[string]string, depth int) {
	z, err := zip.NewReader(r, size)
	if err != nil || depth > maxDepth {
		return
	}
	for _, e := range z.File {
		parts := strings.Split(e.Name, "/")
		switch {
		case len(parts) == 5 && strings.HasPrefix(e.Name, "META-INF/maven/") && parts[4] == "pom.xml":
			if text := unzip(e, maxPom); text != nil {
				licenses[parts[2]+":"+parts[3]] = pomLicense(text)
			}
		case path.Ext(e.Name) == ".jar":
			if inner := unzip(e, maxInner); inner != nil {
				pomLicenses(bytes.NewReader(inner), int64(len(inner)), licenses, depth+1)
			}
		}
	}
}

// unzip is the content of an entry, nil where it cannot be read or is larger
// than limit.
func unzip(e *zip.File, limit int64) []byte {
	r, err := e.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(b)) > limit {
		return nil
	}
	return b
}

// pomLicense is the licenses of a project file, of which a user may choose
// one (maven.apache.org/pom.html, "Licenses").
func pomLicense(text []byte) string {
	var p struct {
		Licenses []string `xml:"licenses>license>name"`
	}
	if xml.Unmarshal(text, &p) != nil {
		return ""
	}
	for i, l := range p.Licenses {
		p.Licenses[i] = strings.TrimSpace(l)
	}
	return strings.Join(p.Licenses, " OR ")
}
