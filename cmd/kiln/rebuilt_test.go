package main

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// rebuilt KEYS OWNER IMAGE: the development key in the folder KEYS says that it
// built the image again, which the signer whose files are in OWNER signed.
func rebuilt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: rebuilt KEYS OWNER IMAGE")
	}
	ctx := context.Background()
	key, _, err := sign.DevelopmentKey(ts.MkAbs(args[0]))
	ts.Check(err)
	owner := signerOf(ts, ts.MkAbs(args[1]))
	ref, err := name.ParseReference(args[2])
	ts.Check(err)
	reg, err := push.New(push.Config{})
	ts.Check(err)
	found, ok, err := reg.Lookup(ctx, ref)
	ts.Check(err)
	if !ok {
		ts.Fatalf("there is no %s", ref)
	}
	attached, err := reg.Statements(ctx, ref.Context().Digest(found.Descriptor.Digest.String()))
	ts.Check(err)
	report, err := sign.Verify(ctx, found.Descriptor.Digest, attached, owner.Identity(), []string{sign.PredicateProvenance})
	ts.Check(err)
	provenance, _ := report.Statement(sign.PredicateProvenance)
	predicate, err := sign.Rebuild(sign.RebuildInput{BuilderID: "https://example.org/ci", Provenance: provenance.Predicate})
	ts.Check(err)
	statement := []sign.Statement{{PredicateType: sign.PredicateRebuild, Predicate: predicate}}
	ts.Check(reg.Attach(ctx, ref.Context(), []v1.Descriptor{found.Descriptor}, func(ctx context.Context, d v1.Descriptor, have recipes.Attached) ([]recipes.Attachment, error) {
		return sign.Attest(ctx, d, ref.Context().Name(), key, statement, sign.Options{Existing: have})
	}))
}
