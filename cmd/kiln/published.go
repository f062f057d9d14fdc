package main

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
)

// published is an image, or an index, that a registry has. All that is asked
// about it is asked by digest, whatever its tags do meanwhile.
type published struct {
	registry *push.Registry
	repo     name.Repository
	found    push.Found
}

// findPublished looks an image up by what an argument calls it.
func findPublished(c *cli.Context, registry *push.Registry, arg string) (*published, error) {
	ref, err := name.ParseReference(arg)
	if err != nil {
		return nil, usagef("kiln %s: %w", c.Command.Name, err)
	}
	found, ok, err := registry.Lookup(c.Context, ref)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("looking up %s: the registry has no such image", ref)
	}
	return &published{registry: registry, repo: ref.Context(), found: found}, nil
}

// digest is that of the image, or of the index.
func (p *published) digest() v1.Hash { return p.found.Descriptor.Digest }

// reference names it by its digest.
func (p *published) reference() name.Digest { return p.at(p.digest()) }

func (p *published) at(d v1.Hash) name.Digest { return p.repo.Digest(d.String()) }

// statements are what is attached to a manifest of its repository.
func (p *published) statements(ctx context.Context, d v1.Hash) (recipes.Attached, error) {
	return p.registry.Statements(ctx, p.at(d))
}

// attach adds what f makes for manifests of its repository.
func (p *published) attach(ctx context.Context, manifests []v1.Descriptor, f push.Attach) error {
	return p.registry.Attach(ctx, p.repo, manifests, f)
}

// image is one of its repository.
func (p *published) image(ctx context.Context, d v1.Hash) (v1.Image, error) {
	return p.registry.Image(ctx, p.at(d), v1.Platform{})
}
