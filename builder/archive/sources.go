package archive

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// The fields of a row of a source table.
const (
	srcName = iota
	srcVersion
	srcFormat
	srcDirectory
	srcFiles
	sourceCols
)

func sourceCol(field []byte) int {
	switch string(field) {
	case "Package":
		return srcName
	case "Version":
		return srcVersion
	case "Format":
		return srcFormat
	case "Directory":
		return srcDirectory
	case "Checksums-Sha256":
		return srcFiles
	}
	return -1
}

func sourceRows(index []byte) ([]string, error) {
	return readRows(index, sourceCols, sourceCol, func(v [][]byte) error {
		if err := checkName(string(v[srcName])); err != nil {
			return err
		}
		if err := checkVersion(string(v[srcVersion])); err != nil {
			return err
		}
		return checkArchivePath(string(v[srcDirectory]))
	})
}

// Sources is the source packages of a release and the suites that go with it.
type Sources struct {
	parts []part
}

// Source is one source package.
type Source struct {
	Name, Version string
	// Format is that of the .dsc: "1.0", "3.0 (quilt)" or "3.0 (native)".
	Format string
	// Archive and Suite are where it was found.
	Archive, Suite string
	// Files are the .dsc and what it names, by path.
	Files []File
}

// Sources returns the source packages of the release suite.
func (c *Client) Sources(ctx context.Context, suite string) (*Sources, error) {
	parts, err := c.parts(ctx, suite, func(r *release) (*table, error) {
		return c.table(ctx, r, []string{"main/source/Sources"}, sourceRows, nil)
	})
	if err != nil {
		return nil, err
	}
	return &Sources{parts: parts}, nil
}

// Archives are the suites of the index, as a lock records them.
func (s *Sources) Archives() []recipes.Archive { return archivesOf(s.parts) }

// Lookup returns the source package name in the given version, which may be
// in any suite; or, where version is empty, in the newest version outside
// backports. Where suite is not empty, only that one suite counts.
func (s *Sources) Lookup(name, version, suite string) (Source, error) {
	var best Source
	for i := range s.parts {
		p := &s.parts[i]
		if suite != "" && p.release.codename != suite || suite == "" && p.backports && version == "" {
			continue
		}
		for _, row := range p.named(name) {
			v := strings.Split(row, "\t")[srcVersion]
			better := best.Name == "" || CompareVersions(v, best.Version) > 0
			if (version != "" && v != version) || !better {
				continue
			}
			var err error
			if best, err = p.source(row); err != nil {
				return Source{}, err
			}
		}
	}
	if best.Name == "" {
		return Source{}, s.unknown(name, version)
	}
	return best, nil
}

func (s *Sources) unknown(name, version string) error {
	var have []string
	for _, p := range s.parts {
		for _, row := range p.named(name) {
			have = append(have, strings.Split(row, "\t")[srcVersion])
		}
	}
	e := &UnknownError{Kind: "source package", Name: name, Version: version, Have: have}
	if len(have) == 0 {
		e.Near = nearest(name, s.parts)
	}
	return e
}

func (p *part) source(row string) (Source, error) {
	f := strings.Split(row, "\t")
	s := Source{
		Name: f[srcName], Version: f[srcVersion], Format: f[srcFormat],
		Archive: p.release.archive, Suite: p.release.codename,
	}
	words := strings.Fields(f[srcFiles])
	if len(words)%3 != 0 || len(words) == 0 {
		return s, fmt.Errorf("reading source package %s: its list of files is malformed", s.Name)
	}
	for w := range slices.Chunk(words, 3) {
		size, err := strconv.ParseInt(w[1], 10, 64)
		path := f[srcDirectory] + "/" + w[2]
		if err != nil || size <= 0 || !hexSHA256.MatchString(w[0]) || strings.Contains(w[2], "/") || checkArchivePath(path) != nil {
			return s, fmt.Errorf("reading source package %s: its list of files is malformed", s.Name)
		}
		s.Files = append(s.Files, File{
			Archive: s.Archive, Path: path, Size: size, SHA256: w[0], For: s.Name + " " + s.Version,
		})
	}
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return s, nil
}
