package sign

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/kiln-build/kiln/recipes"
)

// Verify checks everything attached to the image with the manifest digest
// subject, and requires that a statement of each of the types in require
// verifies: that the identity signed it, that it is about this very digest,
// and that it is of the type its label says. [PredicateSignature] stands for
// the signature itself.
//
// Statements that do not verify are reported and otherwise ignored, since
// anyone who may push can attach one. The report is there in any case; the
// error is one or more [Error] about what is required and did not verify.
func Verify(ctx context.Context, subject v1.Hash, attached recipes.Attached, id Identity, require []string) (*Report, error) {
	if id.Key == nil {
		return nil, errors.New("verifying: no key to verify with")
	}
	report := &Report{Subject: subject, Key: id.Key.ID()}
	for _, r := range verifyBundles(ctx, subject, attached.Bundles, id) {
		report.add(r.check, r.statement)
	}
	verifyTagLayout(ctx, report, attached, id)
	if err := ctx.Err(); err != nil {
		return report, fmt.Errorf("verifying %s: %w", subject, err)
	}
	return report, report.missing(require)
}

type result struct {
	check     Check
	statement Statement
}

// verifyBundles checks all at once: a large SBOM takes its time to parse.
func verifyBundles(ctx context.Context, subject v1.Hash, bundles []recipes.Bundle, id Identity) []result {
	results := make([]result, len(bundles))
	var wg sync.WaitGroup
	for i, b := range bundles {
		wg.Go(func() {
			s, err := verifyBundle(ctx, subject, b, id)
			results[i] = result{Check{PredicateType: s.PredicateType, Place: b.Digest.String(), Err: err}, s}
		})
	}
	wg.Wait()
	return results
}

// verifyBundle returns the statement even where it does not count, as far as
// it could be read, so that the report can name it.
func verifyBundle(ctx context.Context, subject v1.Hash, b recipes.Bundle, id Identity) (Statement, error) {
	parsed, err := parseBundle(b.Data)
	if err != nil {
		return Statement{PredicateType: b.Claims}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	statement := parsed.statement.Statement
	digest, err := hex.DecodeString(subject.Hex)
	if err != nil {
		return statement, err
	}
	policy := verify.WithArtifactDigest(subject.Algorithm, digest)
	if _, err := cosign.VerifyNewBundle(ctx, checkOptions(id), policy, parsed); err != nil {
		return statement, classify(ctx, parsed, id, err)
	}
	if !parsed.statement.is(subject) {
		return statement, ErrOtherImage
	}
	if b.Claims != "" && b.Claims != statement.PredicateType {
		return Statement{PredicateType: b.Claims}, fmt.Errorf("%w: it is %s", ErrOtherPredicate, statement.PredicateType)
	}
	return statement, nil
}

// verifySignature checks that key signed the bundle, and nothing else.
func verifySignature(ctx context.Context, b *entity, key *Key) error {
	_, err := cosign.VerifyNewBundle(ctx, checkOptions(Identity{Key: key}), verify.WithoutArtifactUnsafe(), b)
	return err
}

// classify finds out why a bundle did not verify. The verifier's errors are
// text only, so the checks are done again one by one.
func classify(ctx context.Context, b *entity, id Identity, err error) error {
	if verifySignature(ctx, b, id.Key) != nil {
		material := b.GetVerificationMaterial()
		hint := material.GetPublicKey().GetHint()
		if material.GetPublicKey() == nil || (hint != "" && hint != id.Key.hint()) {
			return ErrOtherKey
		}
		return ErrTampered
	}
	if id.Log != nil {
		logged := checkOptions(id)
		if _, err := cosign.VerifyNewBundle(ctx, logged, verify.WithoutArtifactUnsafe(), b); err != nil {
			return fmt.Errorf("%w: %w", ErrNotLogged, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrOtherImage, err)
}
