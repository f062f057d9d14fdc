package sign

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

// BuildType names how kiln's provenance is to be read; the document is
// buildtype-v1.md in this folder.
const BuildType = "https://github.com/kiln-build/kiln/blob/main/sign/buildtype-v1.md"

// ProvenanceInput is everything that [Provenance] says about a build.
type ProvenanceInput struct {
	// BuilderID is the URI of who ran the build, as far as can honestly be
	// said (SLSA provenance v1, "builder.id").
	BuilderID string
	// Kiln and BuildKit are versions.
	Kiln, BuildKit string
	Recipe         *recipes.Recipe
	Lock           *recipes.Lock
	// LockText is the lock file, byte for byte.
	LockText []byte
	// Platform is os/arch; the lock's packages for it are listed. It is empty
	// for the provenance of an index, where Images are what the index lists.
	Platform string
	Images   []PlatformImage
	// Key is the build key, Format the version of kiln's build format that
	// is part of it.
	Key, Format string
	// Local holds the sha256 of local sources' content, as hex, by name.
	Local map[string]string
	// Folder is the digest of the archive of what the recipe takes from its
	// own folder; zero where it is not kept.
	Folder v1.Hash
}

// PlatformImage is one of the images that an index lists.
type PlatformImage struct {
	Platform string // os/arch
	Digest   v1.Hash
}

// platforms are those that the build was for.
func (in ProvenanceInput) platforms() []string {
	if in.Platform != "" {
		return []string{in.Platform}
	}
	var list []string
	for _, p := range in.Images {
		list = append(list, p.Platform)
	}
	return list
}

// Provenance writes the predicate of a SLSA provenance v1 statement. The
// same input gives the same bytes: it holds no clock and no random id.
func Provenance(in ProvenanceInput) (json.RawMessage, error) {
	if in.BuilderID == "" || in.Recipe == nil || in.Lock == nil {
		return nil, errors.New("writing provenance: builder id, recipe and lock are needed")
	}
	if (in.Platform == "") == (len(in.Images) == 0) {
		return nil, errors.New("writing provenance: want either a platform or the images of an index")
	}
	dependencies, err := resolved(in)
	if err != nil {
		return nil, fmt.Errorf("writing provenance: %w", err)
	}
	var platforms []string // of an index alone
	if in.Platform == "" {
		platforms = in.platforms()
	}
	p := provenance{
		Definition: buildDefinition{
			BuildType: BuildType,
			External: externalParameters{
				Recipe: string(in.Recipe.Raw), Variant: in.Recipe.Variant, Lock: string(in.LockText),
				Platform: in.Platform, Platforms: platforms,
			},
			Internal:     internalParameters{Key: in.Key, Format: in.Format},
			Dependencies: dependencies,
		},
		Details: runDetails{
			Builder: builder{
				ID:      in.BuilderID,
				Version: map[string]string{"kiln": in.Kiln, "buildkit": in.BuildKit},
			},
			Byproducts: byproducts(in.Images),
		},
	}
	return json.Marshal(p)
}

// BuildKey is the build key that a provenance predicate of kiln's names, and
// empty where the predicate is not one of kiln's.
func BuildKey(predicate json.RawMessage) string {
	var p provenance
	if json.Unmarshal(predicate, &p) != nil || p.Definition.BuildType != BuildType {
		return ""
	}
	return p.Definition.Internal.Key
}

// The predicate's parts, after SLSA provenance v1.
type (
	provenance struct {
		Definition buildDefinition `json:"buildDefinition"`
		Details    runDetails      `json:"runDetails"`
	}
	buildDefinition struct {
		BuildType    string             `json:"buildType"`
		External     externalParameters `json:"externalParameters"`
		Internal     internalParameters `json:"internalParameters"`
		Dependencies []resource         `json:"resolvedDependencies"`
	}
	externalParameters struct {
		Recipe    string   `json:"recipe"`
		Variant   string   `json:"variant,omitempty"`
		Lock      string   `json:"lock"`
		Platform  string   `json:"platform,omitempty"`
		Platforms []string `json:"platforms,omitempty"`
	}
	internalParameters struct {
		Key    string `json:"key"`
		Format string `json:"format"`
	}
	runDetails struct {
		Builder    builder    `json:"builder"`
		Byproducts []resource `json:"byproducts,omitempty"`
	}
	builder struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version"`
	}
	// resource is an in-toto ResourceDescriptor.
	resource struct {
		Name        string            `json:"name,omitempty"`
		URI         string            `json:"uri,omitempty"`
		Digest      map[string]string `json:"digest,omitempty"`
		MediaType   string            `json:"mediaType,omitempty"`
		Annotations map[string]any    `json:"annotations,omitempty"`
	}
)

// byproducts are the images of an index.
func byproducts(images []PlatformImage) []resource {
	var all []resource
	for _, p := range images {
		all = append(all, resource{
			Name: p.Platform, MediaType: string(types.OCIManifestSchema1), Digest: map[string]string{p.Digest.Algorithm: p.Digest.Hex},
		})
	}
	return all
}

// dirHash turns a Go module's h1: sum into the in-toto digest of that name,
// which is the same hash in hex (in-toto attestation spec, digest_set.md).
func dirHash(sum string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:"))
	if err != nil || !strings.HasPrefix(sum, "h1:") {
		return "", fmt.Errorf("module sum %q is not an h1: hash", sum)
	}
	return hex.EncodeToString(raw), nil
}
