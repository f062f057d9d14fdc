package sbom

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// A package of the build environment whose static library is in the service is
// a component of the image, in all that is read from the document.
func TestLinked(t *testing.T) {
	in := fixture(t)
	tools := &in.Lock.Platforms[0].Build
	*tools = append(*tools, deb("libssl-dev", "3.5.4-1~deb13u1", "openssl"))
	before, _, err := Describe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	in.Content.Linked = []recipes.Linked{{
		Path: "/usr/bin/served",
		Package: recipes.Installed{Package: deb("libssl-dev", "3.5.4-1~deb13u1", "openssl"), Copyright: copyrightText(t, "libssl3"),
			Maintainer: "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>"},
		Archives: []recipes.LinkedArchive{{Path: "/usr/lib/x86_64-linux-gnu/libcrypto.a", Members: 600, All: 900}, {Path: "/usr/lib/x86_64-linux-gnu/libssl.a", Members: 30, All: 40}},
	}}
	doc, coverage, err := Describe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Share{2, 2}); coverage.Archives != want {
		t.Errorf("coverage: got %v, want %v", coverage.Archives, want)
	}
	text, err := Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 of 2 static libraries in programs of the service",
		`"comment":"Linked statically into /usr/bin/served: /usr/lib/x86_64-linux-gnu/libcrypto.a (600 of 900 objects recognised), /usr/lib/x86_64-linux-gnu/libssl.a (30 of 40 objects recognised)"`,
		`"spdxElementId":"SPDXRef-` + string(fileID("/usr/bin/served")) + `","relatedSpdxElement":"SPDXRef-Package-deb-libssl-dev-3.5.4-1-deb13u1-amd64","relationshipType":"STATIC_LINK"`,
		`"relatedSpdxElement":"SPDXRef-Package-deb-libssl-dev-3.5.4-1-deb13u1-amd64","relationshipType":"DEPENDS_ON"`,
		`"relatedSpdxElement":"SPDXRef-Package-deb-source-openssl-3.5.4-1-deb13u1","relationshipType":"GENERATED_FROM"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document does not say %s", want)
		}
	}
	shipped, _, err := ShippedOf(text)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range shipped {
		found = found || s.Name == "libssl-dev" && strings.HasPrefix(s.License, "Apache-2.0")
	}
	if !found {
		t.Errorf("a policy does not see it: %v", shipped)
	}
	want := Difference{Packages: Changes{Added: []Item{{"pkg:deb/debian/libssl-dev", "3.5.4-1~deb13u1"}}}, Build: Changes{Removed: []Item{{"pkg:deb/debian/libssl-dev", "3.5.4-1~deb13u1"}}}}
	if diff := cmp.Diff(want, Compare(before, doc)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	bom, err := CycloneDX(doc)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(bom), "STATIC_LINK SPDXRef-Package-deb-libssl-dev") {
		t.Error("CycloneDX does not say that it is linked")
	}
}
