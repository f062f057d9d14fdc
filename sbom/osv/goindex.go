package osv

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// goID is an id of the Go vulnerability database, which alone names symbols.
var goID = regexp.MustCompile(`^GO-\d{4}-\d{4,}$`)

// goModule is an entry of the index by module.
type goModule struct {
	Path  string   `json:"path"`
	Vulns []goVuln `json:"vulns"`
}

type goVuln struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
}

// GoIndex is the Go vulnerability database, as Go's tools read it
// (https://go.dev/doc/security/vuln/database#api), made of OSV's copy of it:
// the text of its files, by path. Where modules were fixed is left out of the
// index, so that readers look at the entries themselves.
func (d *Database) GoIndex() (map[string][]byte, error) {
	files := map[string][]byte{}
	modules := map[string]*goModule{}
	newest := ""
	err := d.each("Go", func(raw []byte) error {
		var a Advisory
		if err := json.Unmarshal(raw, &a); err != nil {
			return err
		}
		if !goID.MatchString(a.ID) || a.Withdrawn != "" {
			return nil
		}
		files["ID/"+a.ID+".json"] = raw
		newest = max(newest, a.last())
		for _, p := range a.Affected {
			m := modules[p.Package.Name]
			if m == nil {
				m = &goModule{Path: p.Package.Name}
				modules[m.Path] = m
			}
			if v := (goVuln{a.ID, a.Modified}); !slices.Contains(m.Vulns, v) {
				m.Vulns = append(m.Vulns, v)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no advisories of the Go vulnerability database", d.dir)
	}
	return files, addIndex(files, modules, newest)
}

func addIndex(files map[string][]byte, modules map[string]*goModule, newest string) error {
	list := make([]*goModule, 0, len(modules))
	for _, m := range modules {
		slices.SortFunc(m.Vulns, func(a, b goVuln) int { return strings.Compare(a.ID, b.ID) })
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *goModule) int { return strings.Compare(a.Path, b.Path) })
	var err error
	if files["index/modules.json"], err = json.Marshal(list); err != nil {
		return err
	}
	files["index/db.json"], err = json.Marshal(map[string]string{"modified": newest})
	return err
}
