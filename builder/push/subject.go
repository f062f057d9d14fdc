package push

import (
	"context"
	"errors"
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
	// existing was attached already, and added is what the registry must
	// have now besides.
	existing recipes.Attached
	added    []recipes.Attachment
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
	if err := p.pushImage(ctx, s.ref, img); err != nil {
		return s, wrap("pushing", s.ref, err)
	}
	p.remember(img)
	return s, nil
}

// attachAll attaches what attach makes and reads it back. Where somebody else
// attaches to the same at the same time, it begins anew with what is there then,
// so that nothing of theirs is lost.
func (s *subject) attachAll(ctx context.Context, attach Attach) error {
	unlock, err := s.lock(ctx, s.ref)
	if err != nil {
		return wrap("attaching to", s.ref, err)
	}
	defer unlock()
	for try := 1; ; try++ {
		op, err := "attaching to", s.attach(ctx, attach)
		if err == nil {
			op, err = "reading back", s.readBack(ctx)
		}
		var moved *movedError
		if !errors.As(err, &moved) || try == attempts {
			return wrap(op, s.ref, err)
		}
		if err := sleep(ctx, s.transport.wait(nil, try)); err != nil {
			return wrap(op, s.ref, err)
		}
	}
}

// movedError says that a tag is another image than what was to be added to.
type movedError struct {
	tag       name.Reference
	got, want string
}

func (e *movedError) Error() string {
	return fmt.Sprintf("%s is %s now, want %s: someone else pushes there at the same time", e.tag, e.got, e.want)
}

// attach asks for what is to be attached and puts it there.
func (s *subject) attach(ctx context.Context, attach Attach) error {
	if attach == nil {
		return nil
	}
	var err error
	if s.existing, err = s.Statements(ctx, s.ref); err != nil {
		return err
	}
	if s.added, err = attach(ctx, s.desc, s.existing); err != nil {
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

func (s *subject) attachment(ctx context.Context, a recipes.Attachment) error {
	if a.Tag != "" {
		if err := s.unmoved(ctx, a.Tag); err != nil {
			return err
		}
		return s.pusher.Put(ctx, s.repo.Tag(a.Tag), a.Image)
	}
	digest, err := a.Image.Digest()
	if err != nil {
		return err
	}
	return s.pusher.Put(ctx, s.repo.Digest(digest.String()), a.Image)
}

// unmoved makes sure, right before it is written, that one of cosign's tags is
// still what was added to.
func (s *subject) unmoved(ctx context.Context, tag string) error {
	want := "none"
	if img := s.existing.Tag(tag); img != nil {
		digest, err := img.Digest()
		if err != nil {
			return err
		}
		want = digest.String()
	}
	got := "none"
	desc, err := s.puller.Head(ctx, s.repo.Tag(tag))
	switch {
	case err == nil:
		got = desc.Digest.String()
	case !notFound(err):
		return err
	}
	if got != want {
		return &movedError{s.repo.Tag(tag), got, want}
	}
	return nil
}
