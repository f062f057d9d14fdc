package push

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/recipes"
)

// readBack makes sure that the registry has what it was given, under the
// names that others will ask for it by.
func (s *subject) readBack(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	g.Go(func() error { return s.expect(gctx, s.ref, s.ref.DigestStr()) })
	var referrers []recipes.Attachment
	for _, a := range s.added {
		digest, err := a.Image.Digest()
		if err != nil {
			return err
		}
		if a.Tag == "" {
			referrers = append(referrers, a)
			continue
		}
		g.Go(func() error { return s.expect(gctx, s.repo.Tag(a.Tag), digest.String()) })
	}
	g.Go(func() error { return s.listed(gctx, referrers) })
	return g.Wait()
}

func (p *push) expect(ctx context.Context, ref name.Reference, digest string) error {
	got, err := p.puller.Head(ctx, ref)
	if err != nil {
		return err
	}
	if got.Digest.String() != digest {
		return &movedError{ref, got.Digest.String(), digest}
	}
	return nil
}

// listed makes sure that all referrers are found from the image. Two who
// push referrers at once to a registry without the referrers API can lose
// one of them, for they write the same index: it is put again then.
func (s *subject) listed(ctx context.Context, referrers []recipes.Attachment) error {
	for try := 1; len(referrers) > 0; try++ {
		lost, err := s.unlisted(ctx, referrers)
		if err != nil || len(lost) == 0 {
			return err
		}
		if try == attempts {
			return fmt.Errorf("the registry does not list %d of %d referrers", len(lost), len(referrers))
		}
		if err := sleep(ctx, s.transport.wait(nil, try)); err != nil {
			return err
		}
		for _, a := range lost {
			if err := s.attachment(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *subject) unlisted(ctx context.Context, referrers []recipes.Attachment) ([]recipes.Attachment, error) {
	list, err := s.referrers(ctx, s.ref)
	if err != nil {
		return nil, err
	}
	have := map[v1.Hash]bool{}
	for _, d := range list {
		have[d.Digest] = true
	}
	var lost []recipes.Attachment
	for _, a := range referrers {
		if digest, err := a.Image.Digest(); err != nil {
			return nil, err
		} else if !have[digest] {
			lost = append(lost, a)
		}
	}
	return lost, nil
}
