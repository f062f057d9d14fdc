package push

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/recipes"
)

// Attach makes what is to be attached to the image with the given manifest:
// it is called when the manifest is in its place and before any tag is, with
// what is attached there already. It returns only what is to be added.
type Attach func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error)

// Push puts an image into a repository, with what attach makes for it, and
// only then gives it its tags. Attach may be nil.
//
// The order is: blobs, manifest by digest, referrers, cosign's tags, reading
// all of it back, tags. A failure therefore never leaves a tag on an image
// that is not whole and signed, and calling Push again does only what is
// missing. Errors are [*Error].
func (r *Registry) Push(ctx context.Context, repo name.Repository, img v1.Image, attach Attach, tags []string) (name.Digest, error) {
	subject, err := partial.Descriptor(img)
	if err != nil {
		return name.Digest{}, fmt.Errorf("pushing to %s: %w", repo, err)
	}
	ref := repo.Digest(subject.Digest.String())
	p, stop, err := r.newPush(ref)
	if err != nil {
		return ref, wrap("pushing", ref, err)
	}
	defer stop()
	if err := p.image(ctx, img); err != nil {
		return ref, wrap("pushing", ref, err)
	}
	attachments, err := p.attachments(ctx, *subject, attach)
	if err != nil {
		return ref, wrap("attaching to", ref, err)
	}
	if err := p.readBack(ctx, attachments); err != nil {
		return ref, wrap("reading back", ref, err)
	}
	for _, tag := range tags {
		if err := p.pusher.Put(ctx, repo.Tag(tag), img); err != nil {
			return ref, wrap("tagging", repo.Tag(tag), err)
		}
	}
	return ref, nil
}

// push is one call of Push.
type push struct {
	*Registry
	ref    name.Digest
	pusher *remote.Pusher
}

// newPush has its own pusher, because one remembers what it has pushed and
// would not notice that a registry has lost it since.
func (r *Registry) newPush(ref name.Digest) (p *push, stop func(), err error) {
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
	return &push{Registry: r, ref: ref, pusher: pusher}, stop, nil
}

// image puts blobs and manifest in their place.
func (p *push) image(ctx context.Context, img v1.Image) error {
	if err := p.pusher.Push(ctx, p.ref, p.mountable(img)); err != nil {
		return err
	}
	p.remember(img)
	return nil
}

// attachments asks for what is to be attached and puts it there. It returns
// what the registry must have now besides the image.
func (p *push) attachments(ctx context.Context, subject v1.Descriptor, attach Attach) ([]recipes.Attachment, error) {
	if attach == nil {
		return nil, nil
	}
	existing, err := p.Statements(ctx, p.ref)
	if err != nil {
		return nil, err
	}
	list, err := attach(ctx, subject, existing)
	if err != nil {
		return nil, err
	}
	if err := p.blobs(ctx, list); err != nil {
		return nil, err
	}
	// One after the other: where the registry has no referrers API, each
	// adds itself to the same index.
	for _, a := range list {
		if err := p.attachment(ctx, a); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (p *push) attachment(ctx context.Context, a recipes.Attachment) error {
	if a.Tag != "" {
		return p.pusher.Put(ctx, p.ref.Context().Tag(a.Tag), a.Image)
	}
	digest, err := a.Image.Digest()
	if err != nil {
		return err
	}
	return p.pusher.Put(ctx, p.ref.Context().Digest(digest.String()), a.Image)
}
