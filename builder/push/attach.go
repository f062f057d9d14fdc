package push

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Attach puts what attach makes for the manifests of a repository that are
// there already, and reads all of it back, as [Registry.Push] does. Errors are
// [*Error].
func (r *Registry) Attach(ctx context.Context, repo name.Repository, manifests []v1.Descriptor, attach Attach) error {
	p, stop, err := r.newPush(repo)
	if err != nil {
		return fmt.Errorf("attaching to %s: %w", repo, err)
	}
	defer stop()
	for _, d := range manifests {
		s := &subject{push: p, desc: d, ref: repo.Digest(d.Digest.String())}
		if err := s.attachAll(ctx, attach); err != nil {
			return err
		}
	}
	return nil
}

// Tag gives a manifest that is there tags of its repository. Errors are
// [*Error].
func (r *Registry) Tag(ctx context.Context, ref name.Digest, tags []string) error {
	desc, err := r.puller.Get(ctx, ref)
	if err != nil {
		return wrap("tagging", ref, err)
	}
	p, stop, err := r.newPush(ref.Context())
	if err != nil {
		return fmt.Errorf("tagging %s: %w", ref, err)
	}
	defer stop()
	for _, tag := range tags {
		if err := p.pusher.Put(ctx, ref.Context().Tag(tag), desc); err != nil {
			return wrap("tagging", ref.Context().Tag(tag), err)
		}
	}
	return nil
}
