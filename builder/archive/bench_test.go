package archive

import (
	"archive/tar"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// manyStanzas is an index of about the size of Debian's.
func manyStanzas() []byte {
	var b strings.Builder
	for i := range 68000 {
		b.WriteString(stanza(fmt.Sprintf("package-%d", i*7919%68000), fmt.Sprintf("1.%d-1", i),
			"Depends: libc6 (>= 2.34), package-1 | package-2, package-3 (>= 1.0)", "Provides: virtual-"+fmt.Sprint(i%1000),
			"Description: a package like many others", "Homepage: https://example.org/"+strings.Repeat("x", 300)))
	}
	return []byte(b.String())
}

func BenchmarkParsePackages(b *testing.B) {
	text := manyStanzas()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		rows, err := packageRows(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := makeTable(rows, providedNames); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIndexWarm loads the four suites of the real trixie from the index
// folder, without a request.
func BenchmarkIndexWarm(b *testing.B) {
	c := hostClient(b, b.TempDir())
	hostIndex(b, c, "amd64")
	for b.Loop() {
		hostIndex(b, c, "amd64")
	}
}

func BenchmarkResolve(b *testing.B) {
	x := hostIndex(b, hostClient(b, b.TempDir()), "amd64")
	for b.Loop() {
		if _, err := x.Resolve(Request{Seeds: buildSeeds, Essential: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDebFiles reads the data of the real libstdc++6.
func BenchmarkDebFiles(b *testing.B) {
	c := hostClient(b, b.TempDir())
	p, ok := hostIndex(b, c, "amd64").Lookup("libstdc++6")
	if !ok {
		b.Fatal("no libstdc++6")
	}
	files := FilesOf([]recipes.Package{p})
	if err := c.Fetch(b.Context(), files); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d, f, err := OpenDebFile(c.cache.Path(p.SHA256))
		if err != nil {
			b.Fatal(err)
		}
		var n int64
		err = d.Files(func(h *tar.Header, r io.Reader) error {
			m, err := io.Copy(io.Discard, r)
			n += m
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
		f.Close()
	}
}
