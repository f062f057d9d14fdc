package push

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/kiln-build/kiln/recipes"
)

// subject is one manifest of a push.
type subject struct {
	*push
	desc v1.Descriptor
	ref  name.Digest
	// added is what the registry must have now besides the manifest.
	added []recipes.Attachment
}

// put puts a manifest in its place, for an image after its blobs.
func (p *push) put(ctx context.Context, m Manifest) (*subject, error) {
	desc, err := partial.Descriptor(m)
	if err != nil {
		return nil, fmt.Errorf("pushing to %s: %w", p.repo, err)
	}
	s := &subject{push: p, desc: *desc, ref: p.repo.Digest(desc.Digest.String())}
	img, ok := m.(v1.Image)
	if !ok { // an index, whose images are there
		return s, wrap("pushing", s.ref, p.pusher.Push(ctx, s.ref, m))
	}
	if err := p.pusher.Push(ctx, s.ref, p.mountable(img)); err != nil {
		return s, wrap("pushing", s.ref, err)
	}
	p.remember(img)
	return s, nil
}

// attach asks for what is to be attached and puts it there.
func (s *subject) attach(ctx context.Context, attach Attach) error {
	if attach == nil {
		return nil
	}
	existing, err := s.Statements(ctx, s.ref)
	if err != nil {
		return err
	}
	if s.added, err = attach(ctx, s.desc, existing); err != nil {
		return err
	}
	if err := s.blobs(ctx, s.added); err != nil {
		return err
	}
	// One after the other: where the registry has no referrers API, each
	// adds itself to the same index.
	for _, a := range s.added {
		if err := s.attachment(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (p *push) attachment(ctx context.Context, a recipes.Attachment) error {
	if a.Tag != "" {
		return p.pusher.Put(ctx, p.repo.Tag(a.Tag), a.Image)
	}
	digest, err := a.Image.Digest()
	if err != nil {
		return err
	}
	return p.pusher.Put(ctx, p.repo.Digest(digest.String()), a.Image)
}
