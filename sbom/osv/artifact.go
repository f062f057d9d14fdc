package osv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Media types of a database as an OCI artifact (image-spec, manifest.md,
// "Guidelines for Artifact Usage").
const (
	ArtifactType = "application/vnd.kiln.osv.v1"
	layerType    = "application/zip"
	catalogType  = "application/json"
	emptyType    = "application/vnd.oci.empty.v1+json"
	// titleKey is the annotation that has a layer's path.
	titleKey = "org.opencontainers.image.title"
)

// emptyConfig is the configuration of an artifact that has none.
const emptyConfig = "{}"

// Artifact is the database in the folder dir as an OCI artifact, with a layer
// for each ecosystem, and one for the catalog of exploited vulnerabilities. The same archives make the same artifact. They are
// checked first, as [Pull] checks them.
func Artifact(dir string) (v1.Image, []Update, error) {
	names, err := Ecosystems(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading advisories: %w", err)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("reading advisories: %s has no folder with a file %s", dir, archiveName)
	}
	a := &artifact{files: map[v1.Hash]file{}}
	config, _, err := v1.SHA256(strings.NewReader(emptyConfig))
	if err != nil {
		return nil, nil, err
	}
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: ArtifactType,
		Config: v1.Descriptor{MediaType: emptyType, Digest: config, Size: int64(len(emptyConfig))},
	}
	if _, err := os.Stat(filepath.Join(dir, ExploitedFile)); err == nil {
		names = append(names, ExploitedName)
	}
	var all []Update
	for _, name := range names {
		d, u, err := a.add(dir, name)
		if err != nil {
			return nil, nil, fmt.Errorf("reading advisories for %s: %w", name, err)
		}
		m.Layers, all = append(m.Layers, d), append(all, u)
	}
	if a.manifest, err = json.Marshal(m); err != nil {
		return nil, nil, err
	}
	img, err := partial.CompressedToImage(a)
	return img, all, err
}

// artifact implements partial.CompressedImageCore.
type artifact struct {
	manifest []byte
	files    map[v1.Hash]file
}

func (a *artifact) add(dir, ecosystem string) (v1.Descriptor, Update, error) {
	path := filepath.Join(dir, stored(ecosystem))
	u := Update{Ecosystem: ecosystem}
	var err error
	if u.Records, u.Modified, err = check(path, ecosystem); err != nil {
		return v1.Descriptor{}, u, err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return v1.Descriptor{}, u, err
	}
	if u.SHA256, err = sumOf(path); err != nil {
		return v1.Descriptor{}, u, err
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: u.SHA256}
	f := file{path, digest, fi.Size(), layerType}
	if ecosystem == ExploitedName {
		f.kind = catalogType
	}
	a.files[digest] = f
	return v1.Descriptor{
		MediaType: f.kind, Digest: digest, Size: f.size,
		Annotations: map[string]string{titleKey: filepath.ToSlash(stored(ecosystem))},
	}, u, nil
}

func (a *artifact) RawConfigFile() ([]byte, error)      { return []byte(emptyConfig), nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	f, ok := a.files[h]
	if !ok {
		return nil, fmt.Errorf("no blob %s in the database", h)
	}
	return f, nil
}

// file implements partial.CompressedLayer.
type file struct {
	path   string
	digest v1.Hash
	size   int64
	kind   types.MediaType
}

func (f file) Digest() (v1.Hash, error)            { return f.digest, nil }
func (f file) Size() (int64, error)                { return f.size, nil }
func (f file) MediaType() (types.MediaType, error) { return f.kind, nil }
func (f file) Compressed() (io.ReadCloser, error)  { return os.Open(f.path) }

// Unpack puts what an artifact has of the ecosystems, or all of it where none
// is named, into the folder dir, as [Pull] does, and the catalog of exploited
// vulnerabilities in any case. Its blobs must have the
// digests that the manifest says.
func Unpack(img v1.Image, dir string, ecosystems []string) ([]Update, error) {
	layers, err := artifactLayers(img)
	if err != nil {
		return nil, fmt.Errorf("reading advisories: %w", err)
	}
	var wanted []string
	for _, l := range layers {
		if len(ecosystems) == 0 || l.ecosystem == ExploitedName {
			wanted = append(wanted, l.ecosystem)
		}
	}
	s, err := newStaging(dir)
	if err != nil {
		return nil, fmt.Errorf("pulling advisories: %w", err)
	}
	defer s.close()
	for _, e := range once(append(wanted, ecosystems...)) {
		d, ok := find(layers, e)
		if !ok {
			return nil, fmt.Errorf("pulling advisories: the artifact has none for %s", e)
		}
		if err := s.unpack(img, e, d); err != nil {
			return nil, fmt.Errorf("pulling advisories: %w", err)
		}
	}
	done, err := s.commit()
	if err != nil {
		return nil, fmt.Errorf("pulling advisories: %w", err)
	}
	return done, nil
}

func (s *staging) unpack(img v1.Image, ecosystem string, d v1.Descriptor) error {
	if d.Size > maxArchive {
		return fmt.Errorf("the archive for %s has %d bytes, more than %d", ecosystem, d.Size, int64(maxArchive))
	}
	if sum, err := sumOf(filepath.Join(s.dir, stored(ecosystem))); err == nil && sum == d.Digest.Hex {
		return s.keep(ecosystem, origin{SHA256: sum})
	}
	l, err := img.LayerByDigest(d.Digest)
	if err != nil {
		return err
	}
	r, err := l.Compressed()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := s.put(ecosystem, r, origin{}); err != nil {
		return err
	}
	if got := s.updates[len(s.updates)-1].SHA256; got != d.Digest.Hex {
		return fmt.Errorf("the archive for %s is sha256:%s, the manifest says %s", ecosystem, got, d.Digest)
	}
	return nil
}

type artifactLayer struct {
	ecosystem string
	v1.Descriptor
}

func artifactLayers(img v1.Image) ([]artifactLayer, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.ArtifactType != ArtifactType {
		return nil, errors.New("it is something else than what `kiln db push` makes")
	}
	var list []artifactLayer
	for _, d := range m.Layers {
		name, ok := trim(d.Annotations[titleKey])
		if !ok || d.Digest.Algorithm != "sha256" {
			return nil, fmt.Errorf("the layer %s has the path %q, which is no ecosystem's", d.Digest, d.Annotations[titleKey])
		}
		list = append(list, artifactLayer{name, d})
	}
	return list, nil
}

func find(list []artifactLayer, ecosystem string) (v1.Descriptor, bool) {
	for _, l := range list {
		if l.ecosystem == ecosystem {
			return l.Descriptor, true
		}
	}
	return v1.Descriptor{}, false
}
