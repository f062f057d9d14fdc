package archive

import (
	"fmt"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// Installed reads what dpkg's database says is installed: a file status, or one
// of a folder status.d (dpkg(1), "FILES"), where distroless images keep them. Of
// a package it has name, version, architecture and source; a database does not
// know which archive they are from. The text is anybody's.
func Installed(status []byte) ([]recipes.Package, error) {
	var list []recipes.Package
	s := stanzas{rest: status}
	for st := s.next(); st != nil; st = s.next() {
		fields, err := parseStanza(st)
		if err != nil {
			return nil, fmt.Errorf("reading dpkg's database: %w", err)
		}
		if !present(fields["status"]) {
			continue
		}
		p := recipes.Package{Name: fields["package"], Version: fields["version"], Architecture: fields["architecture"]}
		if err := checkInstalled(p); err != nil {
			return nil, fmt.Errorf("reading dpkg's database: package %.80q: %w", p.Name, err)
		}
		p.Source, p.SourceVersion = sourceField(fields["source"], p.Name, p.Version)
		list = append(list, p)
	}
	return list, nil
}

// present reports whether a state is that of a package whose files are there;
// images without dpkg have none.
func present(status string) bool {
	words := strings.Fields(status)
	if len(words) != 3 {
		return status == ""
	}
	return words[2] != "not-installed" && words[2] != "config-files"
}

func checkInstalled(p recipes.Package) error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	if err := checkVersion(p.Version); err != nil {
		return err
	}
	return checkName(p.Architecture)
}
