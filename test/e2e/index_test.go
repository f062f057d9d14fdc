//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/image-spec/schema"
)

// TestIndex takes services that are for two platforms the whole way: the half
// that this machine cannot run is cross-compiled, and tested under qemu.
func TestIndex(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the foreign half is that for arm64")
	}
	for _, name := range sample([]string{"hello"}, "valkey") {
		t.Run(name, func(t *testing.T) { testIndex(t, newBed(t), name) })
	}
}

func testIndex(t *testing.T, b *bed, name string) {
	recipe := b.copyRecipe(t, catalog(name), twoPlatforms(t, name)...)
	out := b.build(t, recipe, name)
	image := b.Addr + "/" + name + "@" + out.Digest
	if len(out.Platforms) != 2 || out.Platforms[0].Platform != "linux/amd64" || out.Platforms[1].Platform != "linux/arm64" {
		t.Fatalf("got platforms %+v, want those of the recipe in its order", out.Platforms)
	}
	arm := b.Addr + "/" + name + "@" + out.Platforms[1].Digest
	checkTested(t, out)
	for _, p := range out.Platforms {
		if p.Size <= 0 || p.Files <= 0 {
			t.Errorf("%s: got %+v, want a size and files", p.Platform, p)
		}
	}
	t.Run("format", func(t *testing.T) { testIndexFormat(t, b, image) })
	t.Run("verify", func(t *testing.T) {
		r := b.must(t, "kiln", "verify", image, "--key", b.pub, "--registry-ca", b.CAFile)
		for _, want := range []string{out.Platforms[0].Digest, out.Platforms[1].Digest} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("kiln verify says nothing of %s:\n%s", want, r.stderr)
			}
		}
		b.must(t, "kiln", "verify", arm, "--key", b.pub, "--registry-ca", b.CAFile)
	})
	t.Run("cosign", func(t *testing.T) { testCosign(t, b, image) })
	t.Run("cosign arm64", func(t *testing.T) { testCosign(t, b, arm) })
	t.Run("sbom", func(t *testing.T) { testArchitecture(t, b, arm) })
	t.Run("pull", func(t *testing.T) { testPull(t, b, image) })
	t.Run("unchanged", func(t *testing.T) { testUnchanged(t, b, recipe, name, out.Digest) })
}

// checkTested wants tests of every platform, and that all were run and passed.
func checkTested(t *testing.T, out built) {
	t.Helper()
	for _, p := range out.Platforms {
		for _, test := range p.Tests {
			if test.Status != "passed" {
				t.Errorf("%s: test %q: got %q (%s), want it passed", p.Platform, test.Name, test.Status, test.Reason)
			}
		}
		if len(p.Tests) == 0 {
			t.Errorf("%s: got no tests", p.Platform)
		}
	}
}

// twoPlatforms is what to replace in a recipe of the catalog to have it for two
// platforms, unless it is already.
func twoPlatforms(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(catalog(name), "recipe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "\nplatforms: [linux/amd64, linux/arm64]\n") {
		return nil
	}
	return []string{"\nsources:", "\nplatforms: [linux/amd64, linux/arm64]\nsources:"}
}

// testIndexFormat checks the index against the schema of the image
// specification, and that what it lists is what it says.
func testIndexFormat(t *testing.T, b *bed, image string) {
	raw := b.skopeo(t, "--raw", image)
	if err := schema.ValidatorMediaTypeImageIndex.Validate(strings.NewReader(raw)); err != nil {
		t.Errorf("index: %v\n%s", err, raw)
	}
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("index: %v", err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range m.Manifests {
		got = append(got, d.Platform.String())
		img, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, img)
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, got); diff != "" {
		t.Errorf("platforms: %s", diff)
	}
	if m.Annotations["org.opencontainers.image.version"] == "" || len(m.Annotations["io.github.kiln-build.key"]) != 64 {
		t.Errorf("got annotations %v, want version and build key", m.Annotations)
	}
}

// testArchitecture looks into the SPDX document of the image for arm64: its
// packages are those of that architecture.
func testArchitecture(t *testing.T, b *bed, arm string) {
	r := b.must(t, "cosign", "verify-attestation", b.withoutReferrers(t, arm), "--type", "spdxjson", "--key", b.pub,
		"--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile)
	var statement struct {
		Predicate spdxDocument `json:"predicate"`
	}
	if err := json.Unmarshal(payload(t, r.last()), &statement); err != nil {
		t.Fatal(err)
	}
	locators := map[string]string{}
	image := ""
	for _, p := range statement.Predicate.Packages {
		for _, ref := range p.Refs {
			locators[p.ID] = ref.Locator
			if p.Purpose == "CONTAINER" {
				image = p.ID
			}
		}
	}
	if !strings.Contains(locators[image], "arch=arm64") {
		t.Errorf("got image %q, want one for arm64", locators[image])
	}
	for _, r := range statement.Predicate.Relationships {
		locator := locators[r.B]
		if r.A != image || r.Kind != "CONTAINS" || !strings.HasPrefix(locator, "pkg:deb/") {
			continue
		}
		// The service itself is its source package.
		if !strings.Contains(locator, "arch=arm64") && !strings.Contains(locator, "arch=all") && !strings.Contains(locator, "arch=source") {
			t.Errorf("the image contains %s", locator)
		}
	}
}

// spdxDocument is the part of an SPDX document that the test reads.
type spdxDocument struct {
	Packages []struct {
		ID      string `json:"SPDXID"`
		Purpose string `json:"primaryPackagePurpose"`
		Refs    []struct {
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	} `json:"packages"`
	Relationships []struct {
		A    string `json:"spdxElementId"`
		B    string `json:"relatedSpdxElement"`
		Kind string `json:"relationshipType"`
	} `json:"relationships"`
}

// testPull has skopeo and podman choose the image of a platform.
func testPull(t *testing.T, b *bed, image string) {
	flags := []string{"--override-arch", "arm64", "--override-os", "linux"}
	config := b.must(t, "skopeo", append(append([]string{"inspect"}, flags...),
		"--cert-dir", b.certDir(t), "--authfile", filepath.Join(b.DockerConfig, "config.json"), "--config", "docker://"+image)...)
	var c v1.ConfigFile
	if err := json.Unmarshal([]byte(config.stdout), &c); err != nil || c.Architecture != "arm64" {
		t.Errorf("skopeo chooses architecture %q, %v, want arm64", c.Architecture, err)
	}
	podman := newPodman(t, b)
	for _, platform := range []string{"linux/arm64", "linux/amd64"} {
		podman(t, "pull", "--quiet", "--platform", platform, "--cert-dir", b.certDir(t),
			"--authfile", filepath.Join(b.DockerConfig, "config.json"), image)
		got := podman(t, "image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image).last()
		if got != platform {
			t.Errorf("podman pull --platform %s brings %s", platform, got)
		}
	}
}
