package main

import (
	"context"
	"encoding/json"
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

// statements are the names of what kiln attaches besides the signature.
var statements = []string{"spdx", "provenance"}

// answer looks whether the target has the image of this build key already: it
// says so itself, its provenance says so as well, and all that kiln attaches
// verifies under the key that this build would sign with. What was verified
// once from here is remembered by digest, so that the usual answer takes one
// request and decrypts no key.
func (b *build) answer(ctx context.Context, key string) (*result, bool, error) {
	found, ok, err := b.target.published(ctx)
	if err != nil || !ok || found.Annotations[image.KeyAnnotation] != key {
		return nil, false, err
	}
	digest := found.Descriptor.Digest
	if res := b.recall(key, digest); res != nil {
		return res, true, nil
	}
	res, err := b.verified(ctx, key, digest)
	if err != nil || res == nil {
		return nil, false, err
	}
	return res, true, b.remember(res)
}

// verified is what is known of an image that verifies, and nil where it does
// not.
func (b *build) verified(ctx context.Context, key string, digest v1.Hash) (*result, error) {
	signer, err := b.signer.key()
	if err != nil {
		return nil, err
	}
	attached, err := b.target.statements(ctx, digest)
	if err != nil {
		return nil, err
	}
	report, err := sign.Verify(ctx, digest, attached, sign.Identity{Key: signer}, required)
	var unverified *sign.Error
	if errors.As(err, &unverified) {
		b.say("%s is there, but does not verify (%v); building it afresh", b.target.reference(digest), unverified)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	provenance, ok := report.Statement(sign.PredicateProvenance)
	if !ok || sign.BuildKey(provenance.Predicate) != key {
		return nil, nil
	}
	res := &result{
		Name: b.recipe.Name, Version: b.recipe.Version, Platform: b.platform, Key: key,
		User: b.recipe.Image.User, SignedBy: signer.ID(), DevKey: b.signer.development(), Statements: statements,
	}
	b.place(res, digest)
	return res, nil
}

// memory is the file that holds the result of a build whose image was signed
// or verified here.
func (b *build) memory(key string, digest v1.Hash) (string, error) {
	place, err := b.target.place()
	if err != nil {
		return "", fmt.Errorf("remembering what was verified: %w", err)
	}
	k, err := memo.Key("verified 2", place, b.target.tagged(), key, digest, b.signer.id, b.tlog)
	return filepath.Join(b.env.state, "verified", k+".json"), err
}

// recall returns what is remembered, or nil.
func (b *build) recall(key string, digest v1.Hash) *result {
	file, err := b.memory(key, digest)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(file)
	var res result
	if err != nil || json.Unmarshal(text, &res) != nil || res.Digest != digest.String() {
		return nil
	}
	return &res
}

func (b *build) remember(res *result) error {
	digest, err := v1.NewHash(res.Digest)
	if err != nil {
		return err
	}
	file, err := b.memory(res.Key, digest)
	if err != nil {
		return err
	}
	text, err := json.Marshal(res)
	if err != nil {
		return fmt.Errorf("remembering what was verified: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("remembering what was verified: %w", err)
	}
	if err := writeWhole(file, text); err != nil {
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
