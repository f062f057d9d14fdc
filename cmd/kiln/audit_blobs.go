package main

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/push"
)

// seenBlobs remembers which blobs a registry was seen to have, each in its
// repository. It is for one audit, and may be used by several goroutines.
type seenBlobs struct {
	mu   sync.Mutex
	have map[string]func() error
}

// check is an error where the registry lacks a blob of an image.
func (b *seenBlobs) check(ctx context.Context, registry *push.Registry, p *candidate) error {
	for _, d := range append([]v1.Descriptor{p.found.Config}, p.found.Layers...) {
		if err := b.once(ctx, registry, p, d.Digest); err != nil {
			return err
		}
	}
	return nil
}

func (b *seenBlobs) once(ctx context.Context, registry *push.Registry, p *candidate, digest v1.Hash) error {
	ref := p.repo.Digest(digest.String())
	b.mu.Lock()
	ask, known := b.have[ref.Name()]
	if !known {
		ask = sync.OnceValue(func() error {
			ok, err := registry.HasBlob(ctx, ref)
			if err == nil && !ok {
				err = fmt.Errorf("reading %s: the registry lacks the blob %s", p.ref, digest)
			}
			return err
		})
		if b.have == nil {
			b.have = map[string]func() error{}
		}
		b.have[ref.Name()] = ask
	}
	b.mu.Unlock()
	return ask()
}
