package push

import (
	"context"

	"github.com/google/go-containerregistry/pkg/v1/partial"
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
