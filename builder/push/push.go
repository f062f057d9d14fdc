package push

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/recipes"
)

// Attach makes what is to be attached to the image or index with the given
// manifest: it is called when the manifest is in its place and before any tag
// is, with what is attached there already. It returns only what is to be added.
type Attach func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error)

// Push puts an image, or an index with its images, into a repository, with
// what attach makes for each of them, and only then gives it its tags. Attach
// may be nil.
//
// The order is: blobs, manifests by digest; for each of them referrers, cosign's
// tags, reading all of it back; tags. A failure therefore never leaves a tag on an image
// that is not whole and signed, and calling Push again does only what is
// missing. Errors are [*Error].
func (r *Registry) Push(ctx context.Context, repo name.Repository, top Manifest, attach Attach, tags []string) (name.Digest, error) {
	all, err := manifests(top)
	if err != nil {
		return name.Digest{}, fmt.Errorf("pushing to %s: %w", repo, err)
	}
	p, stop, err := r.newPush(repo)
	if err != nil {
		return name.Digest{}, fmt.Errorf("pushing to %s: %w", repo, err)
	}
	defer stop()
	subjects := make([]*subject, len(all))
	for i, m := range all {
		if subjects[i], err = p.put(ctx, m); err != nil {
			return name.Digest{}, err
		}
	}
	for _, s := range subjects {
		if err := s.attachAll(ctx, attach); err != nil {
			return s.ref, err
		}
	}
	ref := subjects[len(subjects)-1].ref
	for _, tag := range tags {
		if err := p.pusher.Put(ctx, repo.Tag(tag), top); err != nil {
			return ref, wrap("tagging", repo.Tag(tag), err)
		}
	}
	return ref, nil
}

// push is one call of Push.
type push struct {
	*Registry
	repo   name.Repository
	pusher *remote.Pusher
	opts   []remote.Option
}

// newPush has its own pusher, because one remembers what it has pushed and
// would not notice that a registry has lost it since.
func (r *Registry) newPush(repo name.Repository) (p *push, stop func(), err error) {
	opts := r.options()
	stop = func() {}
	if r.progress != nil {
		updates := make(chan v1.Update, 16)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for u := range updates {
				r.progress(u.Complete, u.Total)
			}
		}()
		stop = func() { close(updates); <-done }
		opts = append(opts, remote.WithProgress(updates))
	}
	pusher, err := remote.NewPusher(opts...)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return &push{Registry: r, repo: repo, pusher: pusher, opts: opts}, stop, nil
}
