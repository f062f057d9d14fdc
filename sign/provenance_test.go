package sign_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// go test ./sign -run Provenance -update writes the golden file anew.
var update = flag.Bool("update", false, "write golden files")

func provenanceInput() sign.ProvenanceInput {
	libc := recipes.Package{
		Name: "libc6", Version: "2.41-12+deb13u1", Architecture: "amd64", Suite: "trixie",
		Path: "pool/main/g/glibc/libc6_2.41-12+deb13u1_amd64.deb", SHA256: strings.Repeat("1", 64),
	}
	return sign.ProvenanceInput{
		BuilderID: "https://example.com/builder", Kiln: "v0.1.0", BuildKit: "v0.33.1",
		Recipe: &recipes.Recipe{
			Raw: []byte("kiln: v1\nname: nats\n"),
			Sources: []recipes.Source{
				{Go: "github.com/nats-io/nats-server/v2@v2.15.2"},
				{Git: &recipes.GitSource{URL: "https://me:secret@example.com/repo.git"}}, //nolint:gosec // made up for the test
				{Archive: &recipes.ArchiveSource{URL: "https://example.com/a.tar.gz"}},
				{Debian: &recipes.DebianSource{Package: "nginx"}},
				{Local: &recipes.LocalSource{Path: "src"}},
			},
		},
		Lock: &recipes.Lock{
			Sources: []recipes.LockedSource{
				{Kind: "go", Name: "github.com/nats-io/nats-server/v2", Version: "v2.15.2",
					Sum: "h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=", Files: []recipes.LockedFile{{SHA256: strings.Repeat("a", 64)}}},
				{Kind: "git", Name: "repo", Commit: strings.Repeat("b", 40)},
				{Kind: "archive", Name: "a.tar.gz", Files: []recipes.LockedFile{{Path: "a.tar.gz", SHA256: strings.Repeat("c", 64)}}},
				{Kind: "debian", Name: "nginx", Version: "1:1.26.3-3~x", Files: []recipes.LockedFile{{Path: "pool/main/n/nginx/nginx.dsc", SHA256: strings.Repeat("d", 64)}}},
				{Kind: "local", Name: "src"},
			},
			Platforms: []recipes.LockedPlatform{
				{Platform: "linux/amd64", Build: []recipes.Package{libc}, Image: []recipes.Package{libc}, Fetches: []recipes.LockedFetch{{
					Step: 0, Kind: "go", Files: []recipes.FetchedFile{
						{Ecosystem: "go", Path: "example.org/m/@v/v1.0.0.info"},
						{Ecosystem: "go", Path: "example.org/m/@v/v1.0.0.zip", SHA256: strings.Repeat("f", 64)},
						{Ecosystem: "url", Path: "https://example.org/x.bin?a=b", SHA256: strings.Repeat("9", 64)},
					},
				}}},
				{Platform: "linux/arm64", Build: []recipes.Package{{Name: "other"}}},
			},
		},
		LockText: []byte("kiln: v1\ninputs: []\n"), Platform: "linux/amd64",
		Key: "sha256:0123", Format: "1",
		Local: map[string]string{"src": strings.Repeat("e", 64)},
	}
}

func TestProvenanceGolden(t *testing.T) {
	got, err := sign.Provenance(provenanceInput())
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "provenance.json")
	if *update {
		if err := os.WriteFile(golden, append(indented.Bytes(), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()+"\n"); diff != "" {
		t.Errorf("provenance differs (-want +got):\n%s", diff)
	}
	if bytes.Contains(got, []byte("secret")) {
		t.Error("a password from the recipe's URL is in the provenance's dependencies")
	}
	for range 25 {
		if again, _ := sign.Provenance(provenanceInput()); !bytes.Equal(got, again) {
			t.Fatal("the same input gave other bytes")
		}
	}
	if key := sign.BuildKey(got); key != "sha256:0123" {
		t.Errorf("build key: got %q, want sha256:0123", key)
	}
}

// The provenance of an index names its platforms and images, and what went into
// any of them.
func TestProvenanceOfIndex(t *testing.T) {
	in := provenanceInput()
	in.Platform = ""
	in.Images = []sign.PlatformImage{
		{Platform: "linux/amd64", Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("2", 64)}},
		{Platform: "linux/arm64", Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("3", 64)}},
	}
	text, err := sign.Provenance(in)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Definition struct {
			External     map[string]any `json:"externalParameters"`
			Dependencies []struct {
				URI string `json:"uri"`
			} `json:"resolvedDependencies"`
		} `json:"buildDefinition"`
		Details struct {
			Byproducts []struct {
				Name   string            `json:"name"`
				Digest map[string]string `json:"digest"`
			} `json:"byproducts"`
		} `json:"runDetails"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	delete(got.Definition.External, "recipe")
	delete(got.Definition.External, "lock")
	want := map[string]any{"platforms": []any{"linux/amd64", "linux/arm64"}}
	if diff := cmp.Diff(want, got.Definition.External); diff != "" {
		t.Errorf("parameters: %s", diff)
	}
	for _, pkg := range []string{"libc6@2.41-12%2Bdeb13u1?arch=amd64", "other@"} {
		if !strings.Contains(string(text), pkg) {
			t.Errorf("the package %s is missing", pkg)
		}
	}
	if len(got.Details.Byproducts) != 2 || got.Details.Byproducts[1].Name != "linux/arm64" ||
		got.Details.Byproducts[1].Digest["sha256"] != in.Images[1].Digest.Hex {
		t.Errorf("got byproducts %v, want the two images", got.Details.Byproducts)
	}
}

func TestProvenanceRefuses(t *testing.T) {
	noBuilder, badSum, noFile := provenanceInput(), provenanceInput(), provenanceInput()
	neither, both := provenanceInput(), provenanceInput()
	neither.Platform = ""
	both.Images = []sign.PlatformImage{{Platform: "linux/amd64"}}
	noBuilder.BuilderID = ""
	badSum.Lock.Sources[0].Sum = "h2:x"
	noFile.Lock.Sources[2].Files = nil
	for name, in := range map[string]sign.ProvenanceInput{"no builder": noBuilder, "bad sum": badSum, "no file": noFile, "no platform": neither, "platform and index": both} {
		if got, err := sign.Provenance(in); err == nil {
			t.Errorf("%s: got %s, want an error", name, got)
		}
	}
}

func TestBuildKeyOfOthers(t *testing.T) {
	for _, predicate := range []string{"", "[]", `{"buildDefinition":{"buildType":"https://example.com","internalParameters":{"key":"x"}}}`} {
		if got := sign.BuildKey(json.RawMessage(predicate)); got != "" {
			t.Errorf("%s: got %q, want none", predicate, got)
		}
	}
}
