package sign

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Origin is what a provenance of kiln's says about how an image, or an index,
// was made.
type Origin struct {
	// Recipe and Lock are the texts, byte for byte.
	Recipe, Lock []byte
	Variant      string
	// Platform is empty for an index, whose Platforms are set.
	Platform  string
	Platforms []string
	// Key is the build key, and Format the version of kiln's build format.
	Key, Format string
	// Folder is the digest of the archive of what the recipe takes from its
	// own folder; zero where that is nothing, or was not kept.
	Folder v1.Hash
	// Builder is the id of who ran the build, Kiln and BuildKit the versions.
	Builder, Kiln, BuildKit string
	Dependencies            []Dependency
}

// Dependency is something that went into a build.
type Dependency struct {
	Name, URI string
	// Digest is ALGORITHM:VALUE: the sha256 where there is one, else the first
	// by the algorithm's name. It may be empty.
	Digest string
	// Local is whether it is a folder beside the recipe, which has no URI.
	Local bool
	// Roles are source, fetched, build, image, engine or folder.
	Roles []string
}

// ErrOtherBuildType says that a provenance was not made by kiln.
var ErrOtherBuildType = errors.New("it is not about a build by kiln")

// OriginOf reads the predicate of a SLSA provenance v1 statement of kiln's.
// The error wraps [ErrOtherBuildType] where it is of another build type.
func OriginOf(predicate json.RawMessage) (*Origin, error) {
	var p struct {
		Definition struct {
			BuildType    string             `json:"buildType"`
			External     externalParameters `json:"externalParameters"`
			Internal     internalParameters `json:"internalParameters"`
			Dependencies []origin           `json:"resolvedDependencies"`
		} `json:"buildDefinition"`
		Details runDetails `json:"runDetails"`
	}
	if err := json.Unmarshal(predicate, &p); err != nil {
		return nil, fmt.Errorf("reading provenance: %w", err)
	}
	d := p.Definition
	if d.BuildType != BuildType {
		return nil, fmt.Errorf("reading provenance: %w: its build type is %q", ErrOtherBuildType, d.BuildType)
	}
	o := &Origin{
		Recipe: []byte(d.External.Recipe), Lock: []byte(d.External.Lock), Variant: d.External.Variant,
		Platform: d.External.Platform, Platforms: d.External.Platforms, Key: d.Internal.Key, Format: d.Internal.Format,
		Builder: p.Details.Builder.ID, Kiln: p.Details.Builder.Version["kiln"], BuildKit: p.Details.Builder.Version["buildkit"],
	}
	for _, r := range d.Dependencies {
		if slices.Contains(r.Annotations.Roles, roleFolder) {
			var err error
			if o.Folder, err = v1.NewHash("sha256:" + r.Digest["sha256"]); err != nil {
				return nil, fmt.Errorf("reading provenance: the digest of its folder: %w", err)
			}
		}
		o.Dependencies = append(o.Dependencies, Dependency{
			Name: r.Name, URI: r.URI, Digest: r.digest(), Roles: r.Annotations.Roles, Local: r.URI == "" && slices.Contains(r.Annotations.Roles, roleSource),
		})
	}
	return o, nil
}

// origin is a resource as it is read.
type origin struct {
	Name        string            `json:"name"`
	URI         string            `json:"uri"`
	Digest      map[string]string `json:"digest"`
	Annotations struct {
		Roles []string `json:"roles"`
	} `json:"annotations"`
}

func (o origin) digest() string {
	if sum, ok := o.Digest["sha256"]; ok {
		return "sha256:" + sum
	}
	for _, algorithm := range slices.Sorted(maps.Keys(o.Digest)) {
		return algorithm + ":" + o.Digest[algorithm]
	}
	return ""
}

// Roles of dependencies that readers ask for.
const (
	roleSource = "source"
	roleFolder = "folder"
)

// folderResource is the archive of what the recipe takes from its folder.
func folderResource(d v1.Hash) resource {
	return resource{
		Name: "folder", MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Digest: map[string]string{d.Algorithm: d.Hex},
		Annotations: map[string]any{"roles": []string{roleFolder}},
	}
}
