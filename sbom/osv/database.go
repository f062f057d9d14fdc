package osv

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Limits on what a database may hold.
const (
	maxRecord  = 16 << 20 // bytes of one advisory
	maxRecords = 4 << 20  // advisories of an ecosystem
)

// archiveName is the file that has all advisories of an ecosystem.
const archiveName = "all.zip"

// Database is a folder of advisories.
type Database struct {
	dir string
}

// Open opens the database in the folder dir, which must hold at least one
// ecosystem.
func Open(dir string) (*Database, error) {
	found, err := Ecosystems(dir)
	if err != nil {
		return nil, fmt.Errorf("opening advisories: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("opening advisories: %s has no folder with a file %s", dir, archiveName)
	}
	return &Database{dir: dir}, nil
}

// Dir is the database's folder.
func (d *Database) Dir() string { return d.dir }

// Ecosystems are the names of those that the folder dir has, sorted.
func Ecosystems(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		fi, err := os.Stat(filepath.Join(dir, e.Name(), archiveName))
		if err == nil && fi.Mode().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// MissingError says that the database knows nothing of an ecosystem.
type MissingError struct {
	Ecosystem string
	Dir       string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s has no advisories for %s", e.Dir, e.Ecosystem)
}

// Advisories are those about some packages of an ecosystem.
type Advisories struct {
	// Ecosystem is as OSV names it, as Go or Debian:13.
	Ecosystem string
	// Records counts the ecosystem's advisories that the database has, and
	Records  int
	Modified string

	byName map[string][]*Advisory
}

// Load reads the advisories of an ecosystem about the packages for which want,
// called with a name as [Key] has it, is true. Where the database has none of
// the ecosystem, the error is a [*MissingError].
func (d *Database) Load(ecosystem string, want func(key string) bool) (*Advisories, error) {
	list := &Advisories{Ecosystem: ecosystem, byName: map[string][]*Advisory{}}
	err := d.each(ecosystem, func(raw []byte) error {
		a := &Advisory{}
		if err := json.Unmarshal(raw, a); err != nil {
			return err
		}
		list.take(a, want)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if list.Records == 0 {
		return nil, &MissingError{ecosystem, d.dir}
	}
	return list, nil
}

func (l *Advisories) take(a *Advisory, want func(string) bool) {
	counted := false
	keys := map[string]bool{}
	for i := range a.Affected {
		p := &a.Affected[i]
		if !covers(p.Package.Ecosystem, l.Ecosystem) {
			continue
		}
		counted = true
		if key := Key(l.Ecosystem, p.Package.Name); a.Withdrawn == "" && !keys[key] && want(key) {
			keys[key] = true
			l.byName[key] = append(l.byName[key], a)
		}
	}
	if counted {
		l.Records++
		l.Modified = max(l.Modified, a.last())
	}
}

// About are the advisories about the package, in the order of the database.
func (l *Advisories) About(name string) []*Advisory { return l.byName[Key(l.Ecosystem, name)] }

// file is the archive with the ecosystem's advisories: that of all its
// releases, or else that of the one.
func (d *Database) file(ecosystem string) (string, error) {
	base, _, _ := strings.Cut(ecosystem, ":")
	for _, name := range []string{base, ecosystem} {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
			continue
		}
		file := filepath.Join(d.dir, name, archiveName)
		if _, err := os.Stat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return "", &MissingError{ecosystem, d.dir}
}

// each calls f with each record of the ecosystem's archive.
func (d *Database) each(ecosystem string, f func(raw []byte) error) error {
	file, err := d.file(ecosystem)
	if err != nil {
		return err
	}
	return eachRecord(file, f)
}

func eachRecord(file string, f func(raw []byte) error) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("reading advisories: %s: %w", file, err)
	}
	defer z.Close() //nolint:errcheck // it is read
	if len(z.File) > maxRecords {
		return fmt.Errorf("reading advisories: %s has more than %d entries", file, maxRecords)
	}
	for _, entry := range z.File {
		if entry.FileInfo().IsDir() || filepath.Ext(entry.Name) != ".json" {
			continue
		}
		raw, err := readRecord(entry)
		if err == nil {
			err = f(raw)
		}
		if err != nil {
			return fmt.Errorf("reading advisories: %s: %q: %w", file, entry.Name, err)
		}
	}
	return nil
}

func readRecord(entry *zip.File) ([]byte, error) {
	if entry.UncompressedSize64 > maxRecord {
		return nil, fmt.Errorf("it has more than %d bytes", maxRecord)
	}
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxRecord))
}
