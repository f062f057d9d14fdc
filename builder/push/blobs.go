package push

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/recipes"
)

// blobs uploads the blobs of all attachments at once.
func (p *push) blobs(ctx context.Context, list []recipes.Attachment) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, a := range list {
		layers, err := a.Image.Layers()
		if err != nil {
			return err
		}
		config, err := partial.ConfigLayer(a.Image)
		if err != nil {
			return err
		}
		for _, l := range append(layers, config) {
			g.Go(func() error { return p.pusher.Upload(ctx, p.repo, l) })
		}
	}
	return g.Wait()
}

// remember notes where the image's blobs are.
func (p *push) remember(img v1.Image) {
	layers, err := img.Layers()
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range layers {
		if d, err := l.Digest(); err == nil {
			p.pushed[blobKey{p.repo.RegistryStr(), d}] = p.repo
		}
	}
}

// mountable is img with layers that the registry is asked to take from a
// repository they were pushed to before: services share their base.
func (p *push) mountable(img v1.Image) v1.Image { return &mounting{Image: img, push: p} }

type mounting struct {
	v1.Image
	push *push
}

// Layers implements v1.Image.
func (m *mounting) Layers() ([]v1.Layer, error) {
	layers, err := m.Image.Layers()
	if err != nil {
		return nil, err
	}
	for i, l := range layers {
		if from, ok := m.push.elsewhere(l); ok {
			layers[i] = &remote.MountableLayer{Layer: l, Reference: from}
		}
	}
	return layers, nil
}

func (p *push) elsewhere(l v1.Layer) (name.Reference, bool) {
	if _, ok := l.(*remote.MountableLayer); ok {
		return nil, false // it knows better
	}
	d, err := l.Digest()
	if err != nil {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	repo, ok := p.pushed[blobKey{p.repo.RegistryStr(), d}]
	if !ok || repo == p.repo {
		return nil, false
	}
	return repo.Digest(d.String()), true
}
