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
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
)

// statements are the names of what kiln attaches besides the signature.
var statements = []string{"spdx", "provenance", "tests"}

// answer looks whether the target has the image of this build key already: it
// says so itself, its provenance says so as well, and all that kiln attaches
// verifies under the key or identity that this build would sign with. What was
// verified once from here is remembered by digest, so that the usual answer
// takes one request and decrypts no key.
func (b *build) answer(ctx context.Context) (*result, bool, error) {
	res := b.result()
	found, ok, err := b.target.published(ctx)
	if err != nil || !ok || found.Annotations[image.KeyAnnotation] != res.Key {
		return nil, false, err
	}
	if known := b.recall(res.Key, found.Descriptor.Digest); known != nil {
		return known, true, nil
	}
	ok, err = b.verified(ctx, found, res)
	if err != nil || !ok {
		return nil, false, err
	}
	return res, true, b.remember(res)
}

// verified reports whether the image, or the index and each of its images,
// verifies, and notes in res what is known of it then.
func (b *build) verified(ctx context.Context, found push.Found, res *result) (bool, error) {
	who, err := b.signer.who(ctx)
	if err != nil {
		return false, err
	}
	seen, err := inspect(ctx, found, b.target.statements, who)
	if err != nil {
		return false, err
	}
	var first *sign.Error
	if errors.As(seen.verdict(), &first) {
		b.say("%s is there, but does not verify (%v); building it afresh", b.target.reference(seen.digest), first)
		return false, nil
	}
	images := seen.images
	if !b.index() {
		images = []*inspection{seen}
	}
	if seen.key() != res.Key || len(images) != len(b.keys) {
		return false, nil
	}
	for i, img := range images {
		if img.key() != b.keys[i] {
			return false, nil
		}
		if ok, err := b.vexAttached(img, b.platforms[i]); err != nil || !ok {
			return false, err
		}
		res.Platforms = append(res.Platforms, &platformResult{
			Platform: b.platforms[i], Digest: img.digest.String(), Reference: b.target.reference(img.digest),
		})
	}
	res.SignedBy = who.String()
	b.place(res, seen.digest)
	return true, nil
}

// memory is the file that holds the result of a build whose image was signed
// or verified here.
func (b *build) memory(key string, digest v1.Hash) (string, error) {
	place, err := b.target.place()
	if err != nil {
		return "", fmt.Errorf("remembering what was verified: %w", err)
	}
	vex, _, err := b.vexStatement("", "")
	if err != nil {
		return "", err
	}
	k, err := memo.Key("verified 6", place, b.target.tagged(), key, digest, b.signer.id, vex.Predicate)
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
