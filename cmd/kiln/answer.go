package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/sign"
)

// required is what must be signed for an image to count as kiln's.
var required = []string{sign.PredicateSignature, sign.PredicateSPDX, sign.PredicateProvenance}

// answer looks whether the target has the image of this build key already: it
// says so itself, its provenance says so as well, and all that kiln attaches
// verifies under the key that this build would sign with. What was verified
// once from here is remembered by digest, so that the usual answer takes one
// request.
func (b *build) answer(ctx context.Context, key string) (v1.Hash, bool, error) {
	found, ok, err := b.target.published(ctx)
	if err != nil || !ok || found.Annotations[image.KeyAnnotation] != key {
		return v1.Hash{}, false, err
	}
	digest := found.Descriptor.Digest
	if b.remembers(key, digest) {
		return digest, true, nil
	}
	attached, err := b.target.statements(ctx, digest)
	if err != nil {
		return v1.Hash{}, false, err
	}
	report, err := sign.Verify(ctx, digest, attached, sign.Identity{Key: b.key}, required)
	var unverified *sign.Error
	if errors.As(err, &unverified) {
		b.say("%s is there, but does not verify (%v); building it afresh", b.target.reference(digest), unverified)
		return v1.Hash{}, false, nil
	}
	if err != nil {
		return v1.Hash{}, false, err
	}
	provenance, ok := report.Statement(sign.PredicateProvenance)
	if !ok || sign.BuildKey(provenance.Predicate) != key {
		return v1.Hash{}, false, nil
	}
	return digest, true, b.remember(key, digest)
}

// memory is the file whose being there says that the image was verified.
func (b *build) memory(key string, digest v1.Hash) (string, error) {
	place, err := b.target.place()
	if err != nil {
		return "", fmt.Errorf("remembering what was verified: %w", err)
	}
	k, err := memo.Key("verified 1", place, key, digest, b.key.ID(), b.tlog)
	return filepath.Join(b.env.state, "verified", k), err
}

func (b *build) remembers(key string, digest v1.Hash) bool {
	file, err := b.memory(key, digest)
	if err != nil {
		return false
	}
	_, err = os.Stat(file)
	return err == nil
}

func (b *build) remember(key string, digest v1.Hash) error {
	file, err := b.memory(key, digest)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("remembering what was verified: %w", err)
	}
	if err := writeWhole(file, nil); err != nil {
		return fmt.Errorf("remembering what was verified: %w", err)
	}
	return nil
}

// since is when the image of res was built or first verified here, as a
// clock's time.
func (b *build) since(res *result) string {
	digest, err := v1.NewHash(res.Digest)
	if err != nil {
		return ""
	}
	file, err := b.memory(res.Key, digest)
	if err != nil {
		return ""
	}
	fi, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fi.ModTime().Format("2006-01-02 15:04")
}
