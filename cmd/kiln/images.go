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
)

// registryImages reads the registry images that a recipe names by digest.
type registryImages struct {
	registry *push.Registry
	// offline, where not nil, is the store that they are in.
	offline *blobs.Store
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
	return r.registry.Image(ctx, d, target)
}
