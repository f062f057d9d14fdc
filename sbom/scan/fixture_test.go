package scan

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/sbom/osv"
)

// catalog is the key of the catalog of exploited vulnerabilities among records.
const catalog = ""

// database writes a database with these records, by ecosystem.
func database(t *testing.T, records map[string][]string) *osv.Database {
	t.Helper()
	dir := t.TempDir()
	for ecosystem, list := range records {
		if ecosystem == catalog {
			if err := os.WriteFile(filepath.Join(dir, osv.ExploitedFile), []byte(list[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.Mkdir(filepath.Join(dir, ecosystem), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, ecosystem, "all.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := zip.NewWriter(f)
		for i, r := range list {
			w, err := z.Create(strings.Repeat("a", i+1) + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(r)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := osv.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// record is an advisory about a package from the first version on.
func record(id, ecosystem, name, fixed, more string) string {
	if more != "" {
		more = ", " + more
	}
	return `{"id": "` + id + `", "modified": "2026-11-01T00:00:00Z", "summary": "about ` + name + `", "affected": [{"package": {"ecosystem": "` + ecosystem +
		`", "name": "` + name + `"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "` + fixed + `"}]}]}]` + more + `}`
}

func inventory(purls ...string) Inventory {
	var in Inventory
	for _, p := range purls {
		in.add(p)
	}
	return in
}
