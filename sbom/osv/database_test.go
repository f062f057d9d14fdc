package osv

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func everything(string) bool { return true }

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "Go", netRecord, withdrawn)
	archive(t, dir, "Debian", trixie)
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.Load("Go", everything)
	if err != nil {
		t.Fatal(err)
	}
	about := list.About("example.com/net") // package URLs have module paths in lower case
	if len(about) != 1 || about[0].ID != "GO-2026-0001" || list.Records != 2 || list.Modified != "2026-11-01T00:00:00Z" {
		t.Errorf("got %v, %d records of %s; want GO-2026-0001 and nothing withdrawn", about, list.Records, list.Modified)
	}
	if diff := cmp.Diff([]string{"GO-2026-0001", "CVE-2026-1"}, about[0].Names()); diff != "" {
		t.Error(diff)
	}
	debian, err := db.Load("Debian:13", everything)
	if err != nil || len(debian.About("openssl")) != 1 {
		t.Errorf("got %v, %v, want the advisory of Debian:13", debian, err)
	}
	// The archive is there, and knows nothing of the release.
	for _, missing := range []string{"Debian:11", "npm"} {
		var m *MissingError
		if _, err := db.Load(missing, everything); !errors.As(err, &m) || m.Ecosystem != missing {
			t.Errorf("%s: got %v, want *MissingError", missing, err)
		}
	}
}

// TestLoadBroken: what cannot be read is no empty database.
func TestLoadBroken(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "Go", netRecord, `{"id": `)
	archive(t, dir, "npm", netRecord)
	if err := os.WriteFile(filepath.Join(dir, "npm", archiveName), []byte("no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for ecosystem, want := range map[string]string{"Go": `"b.json": unexpected end`, "npm": "not a valid zip file"} {
		if _, err := db.Load(ecosystem, everything); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", ecosystem, err, want)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("an empty folder is no database")
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is none", err)
	}
}

// TestEcosystemIsNoPath: a document that is scanned may name what it likes.
func TestEcosystemIsNoPath(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "Go", netRecord)
	db := &Database{dir: filepath.Join(dir, "Go")}
	var m *MissingError
	if _, err := db.Load("../Go", everything); !errors.As(err, &m) {
		t.Errorf("got %v, want *MissingError", err)
	}
}

func TestRealDatabase(t *testing.T) {
	list := beside(t)
	if list.Records != 4291 {
		t.Errorf("got %d records, want 4291", list.Records)
	}
	hits := map[string][]string{}
	for version, want := range map[string][]string{
		"0.3.2": {"GO-2020-0015", "GO-2021-0113", "GO-2022-1059", "GO-2026-5970"},
		"0.3.5": {"GO-2021-0113", "GO-2022-1059", "GO-2026-5970"},
		"0.3.8": {"GO-2026-5970"},
		"1.0.0": nil,
	} {
		for _, a := range list.About("golang.org/x/text") {
			m, err := a.Match("Go", "golang.org/x/text", version)
			if err != nil {
				t.Fatal(err)
			}
			if m.Affected {
				hits[version] = append(hits[version], a.ID)
			}
		}
		if diff := cmp.Diff(want, hits[version]); diff != "" {
			t.Errorf("golang.org/x/text %s (-want +got):\n%s", version, diff)
		}
	}
}

// TestRealEvaluates: every version that a record names can be compared.
func TestRealEvaluates(t *testing.T) {
	list := beside(t)
	n := 0
	for name, about := range list.byName {
		for _, a := range about {
			for _, p := range a.Affected {
				for _, r := range p.Ranges {
					for _, e := range r.Events {
						if e.Fixed == "" || Key("Go", p.Package.Name) != name {
							continue
						}
						n++
						m, err := a.Match("Go", name, e.Fixed)
						if err != nil || m.Affected && m.Fixed == e.Fixed {
							t.Errorf("%s: %s is fixed in %s, and got %+v, %v", a.ID, name, e.Fixed, m, err)
						}
					}
				}
			}
		}
	}
	if n < 4000 {
		t.Errorf("looked at %d versions only", n)
	}
}
