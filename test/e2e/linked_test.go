//go:build e2e

package e2e

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinked builds programs that hold static libraries of the build
// environment, by the C linker and by that of Go. The result and both forms of
// the SBOM name the packages, and none for the program that holds none.
func TestLinked(t *testing.T) {
	b := newBed(t)
	platforms := sample([]string{"linux/amd64"}, "linux/arm64")
	recipe := b.copyRecipe(t, "testdata/linked", "\nsources:", "\nplatforms: ["+strings.Join(platforms, ", ")+"]\nsources:")
	out := b.build(t, recipe, "linked")
	checkTested(t, out)
	for _, p := range out.Platforms {
		compiler := "" // what packages of the compiler's own libraries end in
		if p.Platform == "linux/arm64" && runtime.GOARCH == "amd64" {
			compiler = "-arm64-cross"
		}
		want := map[string][]string{
			"/usr/bin/static": {"libc6-dev" + compiler, "libgcc-14-dev" + compiler, "libssl-dev", "libzstd-dev", "zlib1g-dev"},
			"/usr/bin/mixed":  {"libssl-dev", "libzstd-dev", "zlib1g-dev"},
			"/usr/bin/sum":    {"zlib1g-dev"},
		}
		got, versions := map[string][]string{}, map[string]string{}
		for _, l := range p.Linked {
			got[l.Path] = append(got[l.Path], l.Package)
			versions[l.Package] = l.Version
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: linked (-want +got):\n%s", p.Platform, diff)
		}
		ref := b.Addr + "/linked@" + p.Digest
		b.checkLinkedSPDX(t, ref, want, versions)
		b.checkLinkedCycloneDX(t, ref, versions)
	}
	said := b.must(t, "kiln", "build", recipe, "--oci", filepath.Join(t.TempDir(), "oci"), "--key", b.key, "--progress", "plain").stderr
	if !strings.Contains(said, "\n  linked      /usr/bin/sum: zlib1g-dev ") {
		t.Errorf("kiln build does not say what is linked:\n%s", said)
	}
}

func (b *bed) checkLinkedSPDX(t *testing.T, ref string, want map[string][]string, versions map[string]string) {
	t.Helper()
	var doc struct {
		Packages []struct {
			ID      string `json:"SPDXID"`
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
			License string `json:"licenseDeclared"`
			Refs    []struct {
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
		Files []struct {
			ID   string `json:"SPDXID"`
			Name string `json:"fileName"`
		} `json:"files"`
		Relationships []struct {
			A    string `json:"spdxElementId"`
			Kind string `json:"relationshipType"`
			B    string `json:"relatedSpdxElement"`
		} `json:"relationships"`
	}
	b.readSBOM(t, &doc, ref)
	names := map[string]string{}
	for _, f := range doc.Files {
		names[f.ID] = strings.TrimPrefix(f.Name, ".")
	}
	for _, p := range doc.Packages {
		version, ok := versions[p.Name]
		if !ok || version != p.Version {
			continue
		}
		names[p.ID] = p.Name
		if p.License == "NOASSERTION" || len(p.Refs) == 0 || !strings.HasPrefix(p.Refs[0].Locator, "pkg:deb/debian/"+p.Name+"@") {
			t.Errorf("%s: got %+v, want a license and a package URL", ref, p)
		}
	}
	got := map[string][]string{}
	for _, r := range doc.Relationships {
		if r.Kind == "STATIC_LINK" && versions[names[r.B]] != "" {
			got[names[r.A]] = append(got[names[r.A]], names[r.B])
		}
	}
	for _, list := range got {
		slices.Sort(list)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: STATIC_LINK (-want +got):\n%s", ref, diff)
	}
}

func (b *bed) checkLinkedCycloneDX(t *testing.T, ref string, versions map[string]string) {
	t.Helper()
	var bom struct {
		Components []struct{ Name, Version, Scope string } `json:"components"`
	}
	b.readSBOM(t, &bom, ref, "--format", "cyclonedx")
	got := map[string]string{}
	for _, c := range bom.Components {
		if versions[c.Name] == c.Version && c.Version != "" && c.Scope != "excluded" {
			got[c.Name] = c.Version
		}
	}
	if diff := cmp.Diff(versions, got); diff != "" {
		t.Errorf("%s: components (-want +got):\n%s", ref, diff)
	}
}

// readSBOM reads what kiln sbom prints.
func (b *bed) readSBOM(t *testing.T, into any, ref string, args ...string) {
	t.Helper()
	r := b.must(t, "kiln", append(append([]string{"sbom"}, args...), "--key", b.pub, "--registry-ca", b.CAFile, ref)...)
	if err := json.Unmarshal([]byte(r.stdout), into); err != nil {
		t.Fatal(err)
	}
}
