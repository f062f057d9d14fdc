package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/inputs"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
)

// registryImages reads the registry images that a recipe names by digest.
type registryImages struct {
	registry *push.Registry
	// offline, where not nil, is the store that they are in.
	offline *blobs.Store
	// mirrors has those of a registry, by its name.
	mirrors map[string]recipes.RegistryConfig
}

// images reads by way of the mirrors that kiln.yaml names.
func (e *environment) images(registry *push.Registry) *registryImages {
	return &registryImages{registry: registry, mirrors: e.registries}
}

func (r *registryImages) image(ctx context.Context, ref, platform string) (v1.Image, error) {
	d, err := name.NewDigest(ref)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", ref, err)
	}
	goos, arch, _ := strings.Cut(platform, "/")
	target := v1.Platform{OS: goos, Architecture: arch}
	if r.offline != nil {
		digest, err := v1.NewHash(d.DigestStr())
		if err != nil {
			return nil, fmt.Errorf("reading image %s: %w", ref, err)
		}
		return inputs.RegistryImage(r.offline, digest, target)
	}
	places, err := r.places(d)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", ref, err)
	}
	var img v1.Image
	for _, place := range places {
		if img, err = r.registry.Image(ctx, place, target); err == nil {
			return img, nil
		}
	}
	return nil, err
}

// manifest has the manifest, of an image or an index, put into the store.
func (r *registryImages) manifest(ctx context.Context, d name.Digest, store *blobs.Store) (digest v1.Hash, err error) {
	places, err := r.places(d)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("reading image %s: %w", d, err)
	}
	for _, place := range places {
		if digest, err = r.registry.Manifest(ctx, place, store.Put); err == nil {
			return digest, nil
		}
	}
	return digest, err
}

// places are where the image is asked for: the mirrors of its registry, whose
// answers are checked against the digest, and where none has it the registry
// itself, which has the last word.
func (r *registryImages) places(d name.Digest) ([]name.Digest, error) {
	var list []name.Digest
	for host, registry := range r.mirrors {
		if registryHost(host) != d.RegistryStr() {
			continue
		}
		for _, m := range registry.Mirrors {
			copied, err := name.NewDigest(m + "/" + d.RepositoryStr() + "@" + d.DigestStr())
			if err != nil {
				return nil, err
			}
			list = append(list, copied)
		}
	}
	return append(list, d), nil
}
