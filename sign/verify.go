package sign

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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
	if err := id.usable(); err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	report := &Report{Subject: subject, Identity: id}
	if id.Key != nil {
		report.Key = id.Key.ID()
	}
	for _, r := range verifyBundles(ctx, subject, attached.Bundles, id) {
		report.add(r.check, r.statement)
	}
	verifyTagLayout(report, attached, id)
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
			if err := ctx.Err(); err != nil {
				results[i].check = Check{Place: b.Digest.String(), Err: err}
				return
			}
			results[i] = verifyBundle(subject, b, id)
		})
	}
	wg.Wait()
	return results
}

// verifyBundle returns the statement even where it does not count, as far as
// it could be read, so that the report can name it.
func verifyBundle(subject v1.Hash, b recipes.Bundle, id Identity) result {
	s, who, err := openBundle(subject, b, id)
	return result{Check{PredicateType: s.PredicateType, Place: b.Digest.String(), Certificate: who, Err: err}, s}
}

func openBundle(subject v1.Hash, b recipes.Bundle, id Identity) (Statement, *Certificate, error) {
	parsed, err := parseBundle(b.Data)
	if err != nil {
		return Statement{PredicateType: b.Claims}, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	who, err := id.check(claim{SignedEntity: parsed})
	if err != nil {
		return parsed.statement.Statement, nil, err
	}
	s, err := parsed.statement.about(subject, b.Claims)
	return s, who, err
}

// about makes sure that a statement whose signature is good is about this
// image, and of the type that its label says, if it says one.
func (a about) about(subject v1.Hash, label string) (Statement, error) {
	if !a.is(subject) {
		return a.Statement, ErrOtherImage
	}
	if label != "" && label != a.PredicateType {
		return Statement{PredicateType: label}, fmt.Errorf("%w: it is %s", ErrOtherPredicate, a.PredicateType)
	}
	return a.Statement, nil
}
