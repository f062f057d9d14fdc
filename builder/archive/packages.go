package archive

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// The fields of a row of a package table.
const (
	colName = iota
	colVersion
	colArch
	colSource
	colPath
	colSize
	colSHA256
	colEssential
	colPriority
	colMultiArch
	colPreDepends
	colDepends
	colConflicts
	colBreaks
	colProvides
	packageCols
)

// packageCol is the column of a field of a Packages index, or -1.
func packageCol(field []byte) int {
	switch string(field) {
	case "Package":
		return colName
	case "Version":
		return colVersion
	case "Architecture":
		return colArch
	case "Source":
		return colSource
	case "Filename":
		return colPath
	case "Size":
		return colSize
	case "SHA256":
		return colSHA256
	case "Essential":
		return colEssential
	case "Priority":
		return colPriority
	case "Multi-Arch":
		return colMultiArch
	case "Pre-Depends":
		return colPreDepends
	case "Depends":
		return colDepends
	case "Conflicts":
		return colConflicts
	case "Breaks":
		return colBreaks
	case "Provides":
		return colProvides
	}
	return -1
}

// packageRows reads a Packages index into rows of a table.
func packageRows(index []byte) ([]string, error) {
	return readRows(index, packageCols, packageCol, checkPackageRow)
}

// readRows keeps the columns of every stanza that col knows.
func readRows(index []byte, cols int, col func([]byte) int, check func([][]byte) error) ([]string, error) {
	var rows []string
	s := stanzas{rest: index}
	vals := make([][]byte, cols)
	var row []byte
	for st := s.next(); st != nil; st = s.next() {
		clear(vals)
		err := eachField(st, func(name, value []byte) error {
			if i := col(name); i >= 0 {
				if vals[i] != nil {
					return fmt.Errorf("field %s occurs twice", name)
				}
				vals[i] = value
			}
			return nil
		})
		if err == nil {
			err = check(vals)
		}
		if err != nil {
			return nil, fmt.Errorf("stanza %d (%.80s): %w", len(rows)+1, vals[colName], err)
		}
		row = row[:0]
		for i, v := range vals {
			if i > 0 {
				row = append(row, '\t')
			}
			row = appendFlat(row, v)
		}
		rows = append(rows, string(row))
	}
	return rows, nil
}

// appendFlat appends a value with its line breaks and tabs as spaces.
func appendFlat(b, value []byte) []byte {
	from := len(b)
	b = append(b, value...)
	if bytes.ContainsAny(value, "\n\t\r") {
		for i := from; i < len(b); i++ {
			if b[i] == '\n' || b[i] == '\t' || b[i] == '\r' {
				b[i] = ' '
			}
		}
	}
	return b
}

// checkPackageRow refuses what would later become part of a path, a URL or a
// command line and does not look like what it should.
func checkPackageRow(v [][]byte) error {
	if err := checkName(string(v[colName])); err != nil {
		return err
	}
	if err := checkVersion(string(v[colVersion])); err != nil {
		return err
	}
	if err := checkName(string(v[colArch])); err != nil {
		return fmt.Errorf("architecture: %w", err)
	}
	if !hexSHA256.Match(v[colSHA256]) {
		return fmt.Errorf("field SHA256 is %.80q", v[colSHA256])
	}
	if n, err := strconv.ParseInt(string(v[colSize]), 10, 64); err != nil || n <= 0 {
		return fmt.Errorf("field Size is %.80q", v[colSize])
	}
	return checkArchivePath(string(v[colPath]))
}

// checkArchivePath allows what Debian uses in the paths of its pool.
func checkArchivePath(p string) error {
	if p == "" || p[0] == '/' || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") {
		return fmt.Errorf("path %.200q is not a clean relative path", p)
	}
	for _, c := range []byte(p) {
		if !isDigit(c) && !isLetter(c) && strings.IndexByte("+-._~:/", c) < 0 {
			return fmt.Errorf("path %.200q: character %q is not allowed", p, c)
		}
	}
	return nil
}

// entry is a package of an index with what the resolver needs of it.
type entry struct {
	recipes.Package
	backports  bool
	essential  bool
	required   bool
	priority   string
	multiArch  string // same, foreign, allowed, no, or empty
	depends    []clause
	preDepends []clause
	conflicts  []clause
	provides   []clause
}

func (e *entry) String() string { return e.Name + " (= " + e.Version + ")" }

// sourceField splits "name (version)"; both are empty where they equal the
// binary package's.
func sourceField(s, name, version string) (src, srcVersion string) {
	src, rest, _ := strings.Cut(s, " ")
	srcVersion = strings.Trim(strings.TrimSpace(rest), "()")
	if src == name {
		src = ""
	}
	if srcVersion == version {
		srcVersion = ""
	}
	return src, srcVersion
}

// pkg decodes a row as far as recipes has a place for it.
func (p *part) pkg(row string) (recipes.Package, []string) {
	f := strings.Split(row, "\t")
	size, _ := strconv.ParseInt(f[colSize], 10, 64) // checked when the table was made
	out := recipes.Package{
		Name: f[colName], Version: f[colVersion], Architecture: f[colArch],
		Archive: p.release.archive, Suite: p.release.codename,
		Path: f[colPath], Size: size, SHA256: f[colSHA256],
	}
	out.Source, out.SourceVersion = sourceField(f[colSource], out.Name, out.Version)
	return out, f
}

// entry decodes a whole row.
func (p *part) entry(row string) (*entry, error) {
	pkg, f := p.pkg(row)
	e := &entry{
		Package: pkg, backports: p.backports, priority: f[colPriority],
		essential: f[colEssential] == "yes", required: f[colPriority] == "required",
		multiArch: f[colMultiArch],
	}
	var errs [5]error
	e.preDepends, errs[0] = parseRelations(f[colPreDepends])
	e.depends, errs[1] = parseRelations(f[colDepends])
	e.provides, errs[2] = parseRelations(f[colProvides])
	e.conflicts, errs[3] = parseRelations(f[colConflicts])
	var breaks []clause
	breaks, errs[4] = parseRelations(f[colBreaks])
	e.conflicts = append(e.conflicts, breaks...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("reading package %s of %s: %w", pkg.Name, pkg.Suite, err)
	}
	return e, nil
}

// providedNames are the virtual packages in a row.
func providedNames(row string) []string {
	i := strings.LastIndexByte(row, '\t')
	clauses, err := parseRelations(row[i+1:])
	if err != nil {
		return nil // the error is reported when the row is decoded
	}
	var names []string
	for _, c := range clauses {
		names = append(names, c[0].name)
	}
	return names
}
