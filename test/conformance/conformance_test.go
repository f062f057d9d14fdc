//go:build conformance

// Package conformance compares kiln's SBOMs with what others find in the same
// images. `make conformance` runs it on the images of the catalog that
// `make catalog` left.
package conformance

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

var (
	layouts = flag.String("layouts", "../../.work/catalog", "folder of OCI layouts, with the images to look at")
	syft    = flag.String("syft", "../../bin/syft", "the program")
)

// found is a component that syft finds.
type found struct {
	Name, Version string
	// Purl is in the form of plain.
	Purl      string
	Locations []struct{ Path string }
}

// differences are why the SBOM has something that syft finds under another
// package URL. They look at what the SBOM says, not at names that are known.
var differences = []struct {
	why   string
	holds func(inventory, found) bool
}{
	{"it is in files of a Debian package, and the SBOM has that", inventory.isDebian},
	{"it is the service, which syft tells by the bytes of a program", inventory.isService},
	{"syft cannot tell the version, and the SBOM has it", inventory.isVersioned},
}

// TestSyft wants every component that syft finds in the images to be in their
// SBOMs, by type, name and version, but for the differences.
func TestSyft(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(*layouts, "*", "index.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("there are no layouts in %s: make catalog", *layouts)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	for _, index := range dirs {
		dir := filepath.Dir(index)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			img, doc := stored(t, dir)
			all := scan(t, pushed(t, server.Listener.Addr().String(), img))
			if len(all) == 0 {
				t.Error("syft finds nothing at all")
			}
			ours := inventoryOf(doc)
			counts := map[string]int{}
			for _, c := range all {
				why := ours.explain(c)
				if why == "" {
					t.Errorf("syft finds %s in %v, which the SBOM lacks", c.Purl, c.Locations)
				}
				counts[why]++
			}
			t.Logf("%d components of syft's: %v", len(all), counts)
		})
	}
}

// stored is an image of a layout, the first of an index, and its document.
func stored(t *testing.T, dir string) (v1.Image, *sbom.Document) {
	t.Helper()
	s, err := push.ReadLayout(dir)
	check(t, err)
	img, ok := s.Top.(v1.Image)
	if index, is := s.Top.(v1.ImageIndex); is {
		m, err := index.IndexManifest()
		check(t, err)
		img, err = index.Image(m.Manifests[0].Digest)
		check(t, err)
		ok = true
	}
	if !ok {
		t.Fatalf("%s has a %T", dir, s.Top)
	}
	digest, err := img.Digest()
	check(t, err)
	list := sign.Unverified(digest, s.Attached(digest), sign.PredicateSPDX)
	if len(list) != 1 {
		t.Fatalf("%s has %d SPDX documents, want one", dir, len(list))
	}
	doc, err := sbom.Read(list[0].Predicate)
	check(t, err)
	return img, doc
}

func pushed(t *testing.T, host string, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	check(t, err)
	ref, err := name.NewDigest(host + "/catalog/image@" + digest.String())
	check(t, err)
	check(t, remote.Write(ref, img))
	return ref.String()
}

// scan is what syft finds.
func scan(t *testing.T, ref string) []found {
	t.Helper()
	cmd := exec.Command(*syft, "scan", "registry:"+ref, "-q", "-o", "syft-json") //nolint:gosec // a command of the test itself
	cmd.Env = append(os.Environ(), "SYFT_REGISTRY_INSECURE_USE_HTTP=true", "SYFT_CHECK_FOR_APP_UPDATE=false")
	out, err := cmd.Output()
	check(t, err)
	var report struct {
		Artifacts []found `json:"artifacts"`
	}
	check(t, json.Unmarshal(out, &report))
	for i := range report.Artifacts {
		a := &report.Artifacts[i]
		if a.Purl == "" {
			a.Purl = "pkg:unknown/" + a.Name
		}
		a.Purl = plain(a.Purl)
	}
	return report.Artifacts
}

// plain is a package URL without qualifiers, unescaped and in lower case: one
// form for all tools.
func plain(purl string) string {
	purl, _, _ = strings.Cut(purl, "?")
	purl, _, _ = strings.Cut(purl, "#")
	if p, err := url.PathUnescape(purl); err == nil {
		purl = p
	}
	return strings.ToLower(purl)
}

// inventory is what a document has.
type inventory struct {
	// purls are the package URLs in the form of plain, versioned those of
	// them with a version, without it.
	purls, versioned map[string]bool
	// owners are the packages of files.
	owners map[string]owner
}

// owner is a package with files.
type owner struct {
	name, version   string
	service, debian bool
}

func inventoryOf(doc *sbom.Document) inventory {
	v := inventory{map[string]bool{}, map[string]bool{}, map[string]owner{}}
	owners, files := map[string]owner{}, map[string]string{}
	for _, p := range doc.Packages {
		o := owner{name: p.PackageName, version: p.PackageVersion, service: p.PrimaryPackagePurpose == "APPLICATION"}
		for _, r := range p.PackageExternalReferences {
			purl := plain(r.Locator)
			v.purls[purl] = true
			if i := strings.LastIndexByte(purl, '@'); i > strings.LastIndexByte(purl, '/') {
				v.versioned[purl[:i]] = true
			}
			// A service may have the URL of the Debian source that it is of.
			o.debian = o.debian || !o.service && strings.HasPrefix(purl, "pkg:deb/")
		}
		owners[string(p.PackageSPDXIdentifier)] = o
	}
	for _, f := range doc.Files {
		files[string(f.FileSPDXIdentifier)] = strings.TrimPrefix(f.FileName, ".")
	}
	for _, r := range doc.Relationships {
		o, is := owners[string(r.RefA.ElementRefID)]
		if file := files[string(r.RefB.ElementRefID)]; is && file != "" && r.Relationship == "CONTAINS" {
			v.owners[file] = o
		}
	}
	return v
}

// explain says why a component is accounted for; empty where it is not.
func (v inventory) explain(c found) string {
	if v.purls[c.Purl] {
		return "the SBOM has it"
	}
	for _, d := range differences {
		if d.holds(v, c) {
			return d.why
		}
	}
	return ""
}

// in reports whether all files that tell of a component are of packages for
// which is holds.
func (v inventory) in(c found, is func(owner) bool) bool {
	for _, l := range c.Locations {
		if o, ok := v.owners[l.Path]; !ok || !is(o) {
			return false
		}
	}
	return len(c.Locations) > 0
}

func (v inventory) isDebian(c found) bool {
	return v.in(c, func(o owner) bool { return o.debian })
}

func (v inventory) isService(c found) bool {
	return strings.HasPrefix(c.Purl, "pkg:generic/") && v.in(c, func(o owner) bool {
		return o.service && o.name == c.Name && o.version == c.Version
	})
}

func (v inventory) isVersioned(c found) bool { return v.versioned[c.Purl] }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
