package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/push"
)

// registryImages reads the registry images that a recipe names by digest.
type registryImages struct {
	registry *push.Registry
}

func (r *registryImages) image(ctx context.Context, ref, platform string) (v1.Image, error) {
	d, err := name.NewDigest(ref)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", ref, err)
	}
	goos, arch, _ := strings.Cut(platform, "/")
	return r.registry.Image(ctx, d, v1.Platform{OS: goos, Architecture: arch})
}
