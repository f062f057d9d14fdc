package sbom

import (
	"strings"
	"testing"
	"time"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// elements checks the minimum elements of NTIA ("The Minimum Elements For a
// Software Bill of Materials", 2021: supplier, name, version, other unique
// identifiers, dependency relationship, author, time) and those that CISA adds
// (2025: hash, license, tool, generation context). Where something cannot be
// known, it must be said that it is not.
func elements(doc *Document) []string {
	var bad []string
	missing := func(ok bool, what, of string) {
		if !ok {
			bad = append(bad, what+" of "+of)
		}
	}
	info := doc.CreationInfo
	_, err := time.Parse(time.RFC3339, info.Created)
	missing(err == nil, "time", "document")
	missing(len(info.Creators) > 0 && info.Creators[0].CreatorType == "Tool" && info.Creators[0].Creator != "", "author and tool", "document")
	missing(strings.HasPrefix(info.CreatorComment, "SBOM type: build."), "generation context", "document")
	related := map[common.ElementID]bool{}
	for _, r := range doc.Relationships {
		related[r.RefA.ElementRefID], related[r.RefB.ElementRefID] = true, true
	}
	sourceOnly := func(purpose string) bool { return purpose == "SOURCE" }
	for _, p := range doc.Packages {
		missing(p.PackageName != "", "name", string(p.PackageSPDXIdentifier))
		missing(p.PackageVersion != "" || sourceOnly(p.PrimaryPackagePurpose), "version", p.PackageName)
		missing(p.PackageSupplier != nil && p.PackageSupplier.Supplier != "", "supplier", p.PackageName)
		missing(purlOf(p) != "", "identifier", p.PackageName)
		missing(related[p.PackageSPDXIdentifier], "relationship", p.PackageName)
		missing(p.PackageLicenseDeclared != "", "license", p.PackageName)
		hashed := len(p.PackageChecksums) > 0 || p.PackageVerificationCode != nil
		said := strings.Contains(p.PackageComment, "go.sum") || strings.Contains(p.PackageComment, unfetched)
		missing(hashed || said || sourceOnly(p.PrimaryPackagePurpose), "hash", p.PackageName)
	}
	for _, f := range doc.Files {
		missing(len(f.Checksums) > 0, "hash", f.FileName)
	}
	return bad
}

func TestMinimumElements(t *testing.T) {
	in := fixture(t)
	in.Lock.Platforms[0].Fetches = []recipes.LockedFetch{fetches("npm", "b/-/b-3.0.0.tgz")}
	serve(&in, map[string]string{
		"/srv/node_modules/b/package.json": `{"name": "b", "version": "3.0.0", "author": {"name": "Ann"}}`,
		"/srv/node_modules/c/package.json": `{"name": "c", "version": "0.1.0", "author": "Cid <c@example.org> (https://c.example)"}`,
	})
	doc, _ := describe(t, in)
	for _, bad := range elements(doc) {
		t.Errorf("there is no %s", bad)
	}
	for purl, want := range map[string]string{
		"pkg:npm/b@3.0.0": "Person: Ann", "pkg:npm/c@0.1.0": "Person: Cid (c@example.org)",
		"pkg:deb/debian/gcc-14@14.2.0-19?arch=amd64&distro=debian-13": "Organization: Debian",
		"pkg:golang/example.org/tool@v0.3.0":                          "Organization: example.org",
	} {
		s := packageNamed(t, doc, purl).PackageSupplier
		if got := s.SupplierType + ": " + s.Supplier; got != want {
			t.Errorf("the supplier of %s is %s, want %s", purl, got, want)
		}
	}
	// The test fails where something is gone.
	doc.Packages[0].PackageVersion, doc.CreationInfo.CreatorComment, doc.Files[0].Checksums = "", "", nil
	if got := elements(doc); len(got) != 3 {
		t.Errorf("got %v, want three complaints", got)
	}
}

func TestSupplierOf(t *testing.T) {
	for _, c := range []struct {
		purl purl
		at   string
		want string
	}{
		{golangPurl("github.com/BurntSushi/toml", "v1"), "", "github.com/burntsushi"},
		{golangPurl("golang.org/x/sys", "v1"), "", "golang.org"},
		{purl{Type: "maven", Namespace: "org.apache.commons", Name: "commons-lang3", Version: "3"}, "", "org.apache.commons"},
		{purl{Type: "npm", Namespace: "@s", Name: "b", Version: "1"}, "", "npmjs.com/@s"},
		{purl{Type: "generic", Name: "x"}, "git+https://github.com/valkey-io/valkey.git@0123", "github.com/valkey-io"},
		{purl{Type: "generic", Name: "x"}, "https://nginx.org/download/nginx-1.tar.gz", "nginx.org"},
		{purl{Type: "generic", Name: "x"}, noAssertion, noAssertion},
	} {
		p := componentPackage(c.purl, c.at)
		if got := supplierOf(p).Supplier; got != c.want {
			t.Errorf("the supplier of %s is %s, want %s", c.purl, got, c.want)
		}
	}
}

func componentPackage(u purl, location string) *v2_3.Package {
	return &v2_3.Package{PackageExternalReferences: u.ref(), PackageDownloadLocation: location}
}
