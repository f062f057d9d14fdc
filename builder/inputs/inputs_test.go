package inputs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/recipes"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(t.TempDir())
	check(t, err)
	return s
}

// entry puts text into the store.
func entry(t *testing.T, s *blobs.Store, kind, name, text string) Entry {
	t.Helper()
	hexsum, size, err := s.Put(strings.NewReader(text), "")
	check(t, err)
	return Entry{Kind: kind, Name: name, Size: size, Digest: v1.Hash{Algorithm: "sha256", Hex: hexsum}}
}

func testSet(t *testing.T, s *blobs.Store) *Set {
	t.Helper()
	fetch := entry(t, s, KindFetch, "fetch Go modules", "tree")
	return &Set{Recipe: "x", Version: "1", Lock: strings.Repeat("b", 64), Entries: []Entry{
		fetch, entry(t, s, KindFile, "b.deb", "package b"), entry(t, s, KindFile, "a.deb", "package a"), entry(t, s, KindFile, "a.deb", "package a"),
	}}
}

func TestArtifact(t *testing.T) {
	s := open(t)
	img, err := testSet(t, s).Image(s)
	check(t, err)
	want, err := img.RawManifest()
	check(t, err)
	for range 25 {
		again, err := testSet(t, s).Image(s)
		check(t, err)
		if got, err := again.RawManifest(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("the manifest differs from the first: %v\n%s", err, got)
		}
	}
	if !strings.Contains(string(want), `"artifactType":"`+ArtifactType+`"`) {
		t.Errorf("it has another type: %s", want)
	}
	set, err := Read(img)
	check(t, err)
	if diff := cmp.Diff([]string{"fetch Go modules", "a.deb", "b.deb"}, names(set)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	empty := open(t)
	check(t, Fill(empty, img, set))
	for _, e := range set.Entries {
		if !empty.Has(e.Digest.Hex, e.Size) {
			t.Errorf("%s is not filled in", e.Name)
		}
	}
}

func names(s *Set) []string {
	var list []string
	for _, e := range s.Entries {
		list = append(list, e.Name)
	}
	return list
}

// tampered is an artifact whose blobs or configuration somebody changed.
type tampered struct {
	v1.Image
	config []byte
	blob   string
}

func (i tampered) RawConfigFile() ([]byte, error) {
	if i.config != nil {
		return i.config, nil
	}
	return i.Image.RawConfigFile()
}

func (i tampered) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	l, err := i.Image.LayerByDigest(h)
	return tamperedLayer{l, i.blob}, err
}

type tamperedLayer struct {
	v1.Layer
	text string
}

func (l tamperedLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(l.text)), nil
}

func TestTampered(t *testing.T) {
	s := open(t)
	img, err := testSet(t, s).Image(s)
	check(t, err)
	if _, err := Read(tampered{Image: img, config: []byte("{}")}); err == nil {
		t.Error("another configuration than the manifest names: no error")
	}
	set, err := Read(img)
	check(t, err)
	store := open(t)
	if err := Fill(store, tampered{Image: img, blob: "lies"}, set); err == nil || !strings.Contains(err.Error(), "sha256 is") {
		t.Errorf("other bytes than the manifest names: %v", err)
	}
	left, err := os.ReadDir(store.Root() + "/blobs/sha256")
	if err != nil || len(left) > 0 {
		t.Errorf("kept %v, %v", left, err)
	}
}

func TestMissing(t *testing.T) {
	sum := func(text string) string { h := sha256.Sum256([]byte(text)); return hex.EncodeToString(h[:]) }
	l := &recipes.Lock{
		Sources: []recipes.LockedSource{
			{Kind: recipes.KindGo, Name: "example.org/m", Version: "v1.0.0", Sum: "h1:x"},
			{Kind: recipes.KindGit, Name: "tree", Commit: "c0ffee", Tree: sum("other tree")}, {Kind: recipes.KindLocal, Name: "src"},
		},
		Platforms: []recipes.LockedPlatform{{Build: []recipes.Package{
			{Path: "pool/a.deb", SHA256: sum("package a"), Size: 9}, {Path: "pool/c.deb", SHA256: sum("package c"), Size: 9},
		}, Platform: "linux/amd64", Fetches: []recipes.LockedFetch{
			{Kind: recipes.KindGo, Result: sum("tree")}, {Step: 1, Kind: recipes.KindGo, Result: sum("other tree")},
		}}},
	}
	set := testSet(t, open(t))
	if diff := cmp.Diff([]string{"c.deb", "example.org/m@v1.0.0", "the tree sha256:" + sum("other tree") + " of tree@c0ffee",
		"the tree sha256:" + sum("other tree") + " that build.steps[1] fetches on linux/amd64"}, set.Missing(l)); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestRegistryImage(t *testing.T) {
	s := open(t)
	put := func(text string) v1.Descriptor {
		e := entry(t, s, KindImage, "x", text)
		return v1.Descriptor{Digest: e.Digest, Size: e.Size}
	}
	layer, config := put("layer"), put(`{"architecture":"arm64","os":"linux","rootfs":{"type":"layers","diff_ids":["`+put("layer").Digest.String()+`"]}}`)
	manifest := put(`{"schemaVersion":2,"mediaType":"` + string(types.OCIManifestSchema1) + `","config":{"mediaType":"` + string(types.OCIConfigJSON) +
		`","digest":"` + config.Digest.String() + `","size":1},"layers":[{"mediaType":"` + string(types.OCIUncompressedLayer) + `","digest":"` + layer.Digest.String() + `","size":5}]}`)
	index := put(`{"schemaVersion":2,"mediaType":"` + string(types.OCIImageIndex) + `","manifests":[{"mediaType":"` + string(types.OCIManifestSchema1) +
		`","digest":"` + manifest.Digest.String() + `","size":1,"platform":{"os":"linux","architecture":"arm64"}}]}`)
	for _, d := range []v1.Descriptor{manifest, index} {
		img, err := RegistryImage(s, d.Digest, v1.Platform{OS: "linux", Architecture: "arm64"})
		check(t, err)
		got, err := img.Digest()
		check(t, err)
		if got != manifest.Digest {
			t.Errorf("got image %s, want %s", got, manifest.Digest)
		}
		layers, err := img.Layers()
		check(t, err)
		if _, err := partial.Descriptor(layers[0]); err != nil || len(layers) != 1 {
			t.Errorf("%d layers, %v", len(layers), err)
		}
	}
	if _, err := RegistryImage(s, index.Digest, v1.Platform{OS: "linux", Architecture: "amd64"}); err == nil {
		t.Error("an image for another platform: no error")
	}
	if _, err := RegistryImage(open(t), index.Digest, v1.Platform{}); err == nil || !strings.Contains(err.Error(), "not among the inputs") {
		t.Errorf("an image that is not there: %v", err)
	}
}
