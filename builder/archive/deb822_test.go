package archive

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStanza(t *testing.T) {
	got, err := parseStanza([]byte("\n\nPackage: a\n# a comment\nDescription: short\n long\n .\n\tmore\nEmpty:\n\nPackage: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"package": "a", "description": "short\n long\n .\n\tmore", "empty": ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("fields (-want +got):\n%s", d)
	}
	for _, bad := range []string{" a: b\n", "no colon\n", ": x\n", "A: 1\nA: 2\n", "-a: b\n"} {
		if _, err := parseStanza([]byte(bad)); err == nil {
			t.Errorf("%q was not refused", bad)
		}
	}
}

func TestPackageRowsRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"path out of the archive": {"Filename: pool/a.deb", "Filename: ../../etc/passwd"},
		"absolute path":           {"Filename: pool/a.deb", "Filename: /etc/passwd"},
		"path with query":         {"Filename: pool/a.deb", "Filename: pool/a.deb?x"},
		"no path":                 {"Filename: pool/a.deb\n", ""},
		"name":                    {"Package: a", "Package: ../a"},
		"version":                 {"Version: 1", "Version: 1 2"},
		"size":                    {"Size: 1", "Size: -1"},
		"digest":                  {"SHA256: e3", "SHA256: zz"},
		"twice":                   {"Size: 1", "Size: 1\nSize: 2"},
	} {
		if _, err := packageRows([]byte(strings.Replace(someStanza, change[0], change[1], 1))); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}

func FuzzPackages(f *testing.F) {
	f.Add([]byte(someStanza))
	f.Add([]byte(stanza("b", "1:2-3", "Depends: a\n , c", "Provides: v (= 1), w", "Essential: yes")))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := packageRows(b)
		if err != nil {
			return
		}
		laid, err := makeTable(rows, providedNames)
		if err != nil {
			t.Fatal(err)
		}
		tab, err := openTable(laid)
		if err != nil {
			t.Fatal(err)
		}
		x := &Index{arch: "amd64", parts: []part{{table: tab, release: &release{}}}}
		for i := range tab.rows {
			if len(x.Versions(tab.name(i))) == 0 {
				t.Errorf("package %q is lost", tab.name(i))
			}
			x.parts[0].entry(tab.row(i)) //nolint:errcheck // must only not panic
		}
		x.Resolve(Request{Essential: true}) //nolint:errcheck // must only not panic
	})
}

func FuzzInRelease(f *testing.F) {
	key := testKey(f, 0)
	keys, err := readKeyring(publicKey(f, key))
	if err != nil {
		f.Fatal(err)
	}
	text := releaseText("trixie", map[string][]byte{"main/binary-amd64/Packages.xz": []byte("x")})
	f.Add(clearSign(f, key, text))
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseRelease(b) //nolint:errcheck // must only not panic
		r, err := verifyRelease(b, keys, Debian, "trixie", testNow)
		if err == nil && (r.codename != "trixie" || !bytes.Contains(b, []byte("BEGIN PGP SIGNATURE"))) {
			t.Errorf("accepted %q", b)
		}
	})
}

func FuzzTable(f *testing.F) {
	rows, err := packageRows([]byte(someStanza))
	if err != nil {
		f.Fatal(err)
	}
	b, err := makeTable(rows, providedNames)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		if tab, err := openTable(b); err == nil && tab.rows > 0 {
			tab.named("a")
		}
	})
}
