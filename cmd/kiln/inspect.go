package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// required is what must be signed for an image, or an index, to count as
// kiln's.
var required = []string{sign.PredicateSignature, sign.PredicateSPDX, sign.PredicateProvenance, sign.PredicateTestResult}

// inspection is what was found of an image or an index, and of each image that
// the index lists.
type inspection struct {
	digest   v1.Hash
	platform string // where an index lists it
	attached recipes.Attached
	report   *sign.Report
	tests    []sign.TestSummary // one, unless it was tested several times
	err      error              // where something that is required does not verify
	images   []*inspection
}

// reader reads what is attached to a manifest.
type reader func(context.Context, v1.Hash) (recipes.Attached, error)

// inspect checks what is attached to an image, or to an index and all that it
// lists. The error is about what keeps it from checking; verdict says whether
// what was found is good.
func inspect(ctx context.Context, found push.Found, read reader, who sign.Identity) (*inspection, error) {
	top := &inspection{digest: found.Descriptor.Digest}
	for _, d := range found.Manifests {
		top.images = append(top.images, &inspection{digest: d.Digest, platform: platformOf(d)})
	}
	// What is read of images may be asked for later, hence not the group's context.
	var g errgroup.Group
	g.SetLimit(4)
	for _, i := range append([]*inspection{top}, top.images...) {
		g.Go(func() error { return i.check(ctx, read, who) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return top, nil
}

// platformOf is what an index says an image is for.
func platformOf(d v1.Descriptor) string {
	if d.Platform == nil {
		return "unknown platform"
	}
	return d.Platform.String()
}

func (i *inspection) check(ctx context.Context, read reader, who sign.Identity) error {
	attached, err := read(ctx, i.digest)
	if err != nil {
		return err
	}
	i.attached = attached
	i.report, i.err = sign.Verify(ctx, i.digest, attached, who, required)
	var unverified *sign.Error
	if i.err != nil && !errors.As(i.err, &unverified) {
		return i.err
	}
	i.err = errors.Join(i.err, i.readTests())
	return nil
}

// readTests notes how the image's tests ended. An image of which one statement
// says that they failed does not count as good, whatever another says.
func (i *inspection) readTests() error {
	for _, s := range i.report.Statements {
		if s.PredicateType != sign.PredicateTestResult {
			continue
		}
		t, err := sign.TestsOf(s.Predicate)
		if err != nil {
			return &sign.Error{Subject: i.digest, PredicateType: s.PredicateType, Reason: fmt.Errorf("%w: %w", sign.ErrMalformed, err)}
		}
		i.tests = append(i.tests, t)
		if t.Result == sign.ResultFailed {
			return &sign.Error{Subject: i.digest, PredicateType: s.PredicateType, Reason: sign.ErrTestsFailed}
		}
	}
	return nil
}

// verdict is nil where all that is required verifies.
func (i *inspection) verdict() error {
	errs := []error{i.err}
	for _, img := range i.images {
		if img.err != nil {
			errs = append(errs, listedError{img.err, img.platform})
		}
	}
	return errors.Join(errs...)
}

// key is the build key that the provenance names, or empty.
func (i *inspection) key() string {
	provenance, ok := i.report.Statement(sign.PredicateProvenance)
	if !ok {
		return ""
	}
	return sign.BuildKey(provenance.Predicate)
}

// listedError is about an image that an index lists: each of its lines names
// the platform.
type listedError struct {
	error
	platform string
}

func (e listedError) Error() string {
	return e.platform + ": " + strings.ReplaceAll(e.error.Error(), "\n", "\n"+e.platform+": ")
}

func (e listedError) Unwrap() error { return e.error }
