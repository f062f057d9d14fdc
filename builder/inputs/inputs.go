// Package inputs keeps all that a lock names as one OCI artifact: what a
// machine without network builds from, and where the source of an image is
// when nobody else has it any more.
//
// The artifact's layers are the inputs themselves, each under its own digest,
// and its configuration says which is what. The same inputs make the same
// artifact. The package neither collects nor signs; start at [Set.Image] and
// [Read].
package inputs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
)

// Media types of the artifact (image-spec, manifest.md, "Guidelines for
// Artifact Usage").
const (
	ArtifactType = "application/vnd.kiln.inputs.v1"
	ConfigType   = "application/vnd.kiln.inputs.config.v1+json"
	LayerType    = "application/vnd.kiln.input.v1"
)

// Kinds of entries.
const (
	KindFile  = "file"  // a package or source file of the lock, by its sha256
	KindGo    = "go"    // a module's zip; Name is its h1: hash
	KindGit   = "git"   // the tree of a commit, as a layer; Name is the commit
	KindFetch = "fetch" // what a step fetched, as a layer
	KindImage = "image" // a blob of a registry image
)

// Set is all that a recipe's lock names.
type Set struct {
	// Recipe and Version are the recipe's, for people.
	Recipe  string `json:"recipe"`
	Version string `json:"version"`
	// Lock is the sha256 of the lock, as hex.
	Lock    string  `json:"lock"`
	Entries []Entry `json:"entries"`
}

// Entry is one blob.
type Entry struct {
	Kind string `json:"kind"`
	// Name is what people and the lock call it.
	Name   string  `json:"name"`
	Digest v1.Hash `json:"digest"`
	Size   int64   `json:"size"`
}

// Sort puts the entries in their order, and drops those that are there twice.
func (s *Set) Sort() {
	slices.SortFunc(s.Entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Digest.Hex, b.Digest.Hex))
	})
	s.Entries = slices.Compact(s.Entries)
}

// Find is the entry of the kind with the digest.
func (s *Set) Find(kind, hexsum string) (Entry, bool) {
	i := slices.IndexFunc(s.Entries, func(e Entry) bool { return e.Kind == kind && e.Digest.Hex == hexsum })
	if i < 0 {
		return Entry{}, false
	}
	return s.Entries[i], true
}

// manifest is that of the artifact, which go-containerregistry's
// has no artifactType for.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
}

// Image is the artifact of the set, whose blobs are in store.
func (s *Set) Image(store *blobs.Store) (v1.Image, error) {
	s.Sort()
	config, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing inputs: %w", err)
	}
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, fmt.Errorf("writing inputs: %w", err)
	}
	m := manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: ArtifactType,
		Config: v1.Descriptor{MediaType: ConfigType, Digest: digest, Size: size}, Layers: []v1.Descriptor{},
	}
	seen := map[v1.Hash]bool{}
	for _, e := range s.Entries {
		if seen[e.Digest] {
			continue
		}
		seen[e.Digest] = true
		m.Layers = append(m.Layers, v1.Descriptor{
			MediaType: LayerType, Digest: e.Digest, Size: e.Size,
			Annotations: map[string]string{"org.opencontainers.image.title": e.Kind + "/" + e.Name},
		})
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing inputs: %w", err)
	}
	return partial.CompressedToImage(&artifact{store: store, config: config, manifest: raw})
}

// artifact implements partial.CompressedImageCore.
type artifact struct {
	store            *blobs.Store
	config, manifest []byte
}

func (a *artifact) RawConfigFile() ([]byte, error)      { return a.config, nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	fi, err := os.Stat(a.store.Path(h.Hex))
	if err != nil {
		return nil, fmt.Errorf("reading input %s: %w", h, err)
	}
	return blob{a.store, h, fi.Size()}, nil
}

// blob implements partial.CompressedLayer.
type blob struct {
	store *blobs.Store
	hash  v1.Hash
	size  int64
}

func (b blob) Digest() (v1.Hash, error)            { return b.hash, nil }
func (b blob) Size() (int64, error)                { return b.size, nil }
func (b blob) MediaType() (types.MediaType, error) { return LayerType, nil }
func (b blob) Compressed() (io.ReadCloser, error)  { return os.Open(b.store.Path(b.hash.Hex)) }

// Read reads the set of an artifact. It is as trustworthy as the artifact.
func Read(img v1.Image) (*Set, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("reading inputs: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.ArtifactType != ArtifactType {
		return nil, errors.New("reading inputs: it is something else than what `kiln vendor` makes")
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading inputs: %w", err)
	}
	if digest, _, err := v1.SHA256(bytes.NewReader(config)); err != nil || digest != m.Config.Digest {
		return nil, fmt.Errorf("reading inputs: the configuration is %s, the manifest says %s", digest, m.Config.Digest)
	}
	s := &Set{}
	if err := json.Unmarshal(config, s); err != nil {
		return nil, fmt.Errorf("reading inputs: %w", err)
	}
	for _, e := range s.Entries {
		if e.Digest.Algorithm != "sha256" || len(e.Digest.Hex) != 64 || e.Size < 0 {
			return nil, fmt.Errorf("reading inputs: %s %s has no sha256", e.Kind, e.Name)
		}
	}
	return s, nil
}

// Fill puts those of the artifact's blobs into store that it does not have.
// Each has the digest that the manifest says, or it is an error.
func Fill(store *blobs.Store, img v1.Image, s *Set) error {
	for _, e := range s.Entries {
		if store.Has(e.Digest.Hex, e.Size) {
			continue
		}
		if err := fill(store, img, e); err != nil {
			return fmt.Errorf("reading input %s %s: %w", e.Kind, e.Name, err)
		}
	}
	return nil
}

func fill(store *blobs.Store, img v1.Image, e Entry) error {
	l, err := img.LayerByDigest(e.Digest)
	if err != nil {
		return err
	}
	r, err := l.Compressed()
	if err != nil {
		return err
	}
	defer r.Close()
	_, _, err = store.Put(r, e.Digest.Hex)
	return err
}
