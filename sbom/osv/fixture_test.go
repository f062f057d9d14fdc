package osv

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// archive writes an ecosystem's archive with these records into the database
// folder dir.
func archive(t *testing.T, dir, ecosystem string, records ...string) {
	t.Helper()
	file := filepath.Join(dir, ecosystem, archiveName)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for i, r := range records {
		w, err := z.Create(string(rune('a'+i)) + ".json")
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

// beside are the Go vulnerability database's advisories beside the project.
func beside(t *testing.T) *Advisories {
	t.Helper()
	db, err := Open("../../../shared/osv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there are no advisories beside the project, in ../shared/osv")
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.Load("Go", everything)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const (
	netRecord = `{"id": "GO-2026-0001", "modified": "2026-11-01T00:00:00Z", "aliases": ["CVE-2026-1"],
		"affected": [{"package": {"ecosystem": "Go", "name": "example.com/Net"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}],
			"ecosystem_specific": {"imports": [{"path": "example.com/Net/http", "symbols": ["Get"]}]}}]}`
	withdrawn = `{"id": "GO-2026-0002", "modified": "2026-10-01T00:00:00Z", "withdrawn": "2026-10-02T00:00:00Z",
		"affected": [{"package": {"ecosystem": "Go", "name": "example.com/Net"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}`
	trixie = `{"id": "DEBIAN-CVE-2026-3", "modified": "2026-09-01T00:00:00Z", "upstream": ["CVE-2026-3"],
		"affected": [{"package": {"ecosystem": "Debian:13", "name": "openssl"},
			"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.5.4-1~deb13u2"}]}]}]}`
)
