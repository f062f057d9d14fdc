package sbom

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

func TestDebianLicense(t *testing.T) {
	const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2026 Someone\nLicense: "
	p := recipes.Package{Name: "libx1", Source: "x"}
	for text, want := range map[string]string{
		"": "", format + "Expat\n": "MIT", format + "GPL-2+ or MIT\n": "GPL-2.0-or-later OR MIT", "Do what you like.\n": "LicenseRef-x-copyright",
	} {
		if got := DebianLicense(p, text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestDebianLicenses(t *testing.T) {
	pkg := func(purl, license string) *v2_3.Package {
		return &v2_3.Package{
			PackageSPDXIdentifier: common.ElementID("P" + purl), PackageLicenseDeclared: license,
			PackageExternalReferences: []*v2_3.PackageExternalReference{{RefType: "purl", Locator: purl}},
		}
	}
	doc := &Document{Packages: []*v2_3.Package{
		pkg("pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64", "GPL-3.0-or-later WITH GCC-exception-3.1"),
		pkg("pkg:deb/debian/tzdata@2026f?arch=all", noAssertion), pkg("pkg:golang/example.org/m@v1.0.0", "MIT"),
	}}
	want := map[string]string{"libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1", "tzdata": ""}
	if diff := cmp.Diff(want, DebianLicenses(doc)); diff != "" {
		t.Error(diff)
	}
}
