package image

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/recipes"
)

// Platform is the image of one platform, os/arch.
type Platform struct {
	Name  string
	Image v1.Image
}

// Index is the OCI index over a recipe's images, in the order given. It has
// the images' annotations, with the build key of the whole, and lists nothing
// but images (image-spec, image-index.md).
func Index(r *recipes.Recipe, l *recipes.Lock, key string, images []Platform) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	a := &assembly{Input: Input{Recipe: r, Lock: l, Key: key}}
	for _, p := range images {
		goos, arch, _ := strings.Cut(p.Name, "/")
		file, err := p.Image.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("assembling index: %w", err)
		}
		if file.OS != goos || file.Architecture != arch {
			return nil, fmt.Errorf("assembling index: the image for %s is of %s/%s", p.Name, file.OS, file.Architecture)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: listed{p.Image}, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: goos, Architecture: arch}},
		})
		a.debug = a.debug || file.Config.Labels[DebugAnnotation] != ""
	}
	annotated, ok := mutate.Annotations(index, a.annotations()).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("annotating the index made something else of it")
	}
	return annotated, nil
}

// listed is an image as an index lists it: without artifact type, which is for
// what is no image.
type listed struct{ v1.Image }

// Descriptor is what partial.Descriptor asks for.
func (l listed) Descriptor() (*v1.Descriptor, error) {
	d, err := partial.Descriptor(l.Image)
	if err != nil {
		return nil, err
	}
	d.ArtifactType = ""
	return d, nil
}
