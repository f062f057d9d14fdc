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
	"path"
	"path/filepath"
	"slices"
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

// difference is something that syft reports and the SBOM does not have so.
type difference struct {
	// image and purl are patterns of path.Match.
	image, purl, why string
}

// differences are those that are known, with their reasons.
var differences = []difference{
	{"*", "pkg:oci/*", "the image itself: syft names it by the tag that it was asked for"},
}

// TestSyft wants every component that syft finds in the images to be in their
// SBOMs, by type, name and version.
func TestSyft(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(*layouts, "*", "index.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("there are no layouts in %s: make catalog", *layouts)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	used := map[int]bool{}
	for _, index := range dirs {
		dir := filepath.Dir(index)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			img, doc := stored(t, dir)
			found := scan(t, pushed(t, server.Listener.Addr().String(), img))
			if len(found) == 0 {
				t.Error("syft finds nothing at all")
			}
			ours := componentsOf(doc)
			for _, purl := range found {
				if ours[purl] || explained(strings.TrimSuffix(filepath.Base(dir), ".oci"), purl, used) {
					continue
				}
				t.Errorf("syft finds %s, which the SBOM lacks", purl)
			}
			t.Logf("%d components of syft's, %d of ours", len(found), len(ours))
		})
	}
}

func explained(image, purl string, used map[int]bool) bool {
	for i, d := range differences {
		ofImage, err1 := path.Match(d.image, image)
		ofPurl, err2 := path.Match(strings.ReplaceAll(d.purl, "/", "|"), strings.ReplaceAll(purl, "/", "|"))
		if err1 == nil && err2 == nil && ofImage && ofPurl {
			used[i] = true
			return true
		}
	}
	return false
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

// scan is what syft finds, as package URLs in one form.
func scan(t *testing.T, ref string) []string {
	t.Helper()
	cmd := exec.Command(*syft, "scan", "registry:"+ref, "-q", "-o", "syft-json") //nolint:gosec // a command of the test itself
	cmd.Env = append(os.Environ(), "SYFT_REGISTRY_INSECURE_USE_HTTP=true", "SYFT_CHECK_FOR_APP_UPDATE=false")
	out, err := cmd.Output()
	check(t, err)
	var report struct {
		Artifacts []struct {
			Name string `json:"name"`
			Purl string `json:"purl"`
		} `json:"artifacts"`
	}
	check(t, json.Unmarshal(out, &report))
	var all []string
	for _, a := range report.Artifacts {
		if a.Purl == "" {
			a.Purl = "pkg:unknown/" + a.Name
		}
		all = append(all, plain(a.Purl))
	}
	slices.Sort(all)
	return slices.Compact(all)
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

func componentsOf(doc *sbom.Document) map[string]bool {
	all := map[string]bool{}
	for _, p := range doc.Packages {
		for _, r := range p.PackageExternalReferences {
			all[plain(r.Locator)] = true
		}
	}
	return all
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
