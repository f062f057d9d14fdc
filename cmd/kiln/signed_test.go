package main

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// signed KEYS RECIPE REPOSITORY[:TAG]|FOLDER: what a build of the recipe
// leaves there, signed with the development key in the folder KEYS; the files
// in the image are random. With "unsigned" for KEYS nothing is attached.
func signed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: signed KEYS RECIPE TARGET")
	}
	ctx := context.Background()
	r, err := loadRecipe(ts.MkAbs(args[1]))
	ts.Check(err)
	img, statements, err := stub(ctx, r)
	ts.Check(err)
	attach := func(context.Context, v1.Descriptor, recipes.Attached) ([]recipes.Attachment, error) { return nil, nil }
	if args[0] != "unsigned" {
		key, _, err := sign.DevelopmentKey(ts.MkAbs(args[0]))
		ts.Check(err)
		attach = func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
			return sign.Sign(ctx, subject, r.Name, key, statements, sign.Options{Existing: existing})
		}
	}
	if filepath.Ext(args[2]) == ".oci" {
		_, err := push.WriteLayout(ctx, ts.MkAbs(args[2]), img, attach, []string{r.Version})
		ts.Check(err)
		return
	}
	tag, err := name.NewTag(args[2], name.WithDefaultTag(r.Version))
	ts.Check(err)
	reg, err := push.New(push.Config{})
	ts.Check(err)
	_, err = reg.Push(ctx, tag.Context(), img, attach, []string{tag.TagStr()})
	ts.Check(err)
}

// stub is an image with the build key of the recipe and its lock, and the
// statements about it.
func stub(ctx context.Context, r *recipes.Recipe) (v1.Image, []sign.Statement, error) {
	lock, err := recipes.ReadLock(recipes.LockPath(r.File))
	if err != nil {
		return nil, nil, err
	}
	text, err := lock.Marshal()
	if err != nil {
		return nil, nil, err
	}
	trees, err := builder.LocalTrees(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	key, err := builder.Key(r, lock, trees, r.Platforms[0])
	if err != nil {
		return nil, nil, err
	}
	provenance, err := sign.Provenance(sign.ProvenanceInput{
		BuilderID: localBuilder, Recipe: r, Lock: lock, LockText: text, Platform: r.Platforms[0], Key: key,
		Local: map[string]string{lock.Sources[0].Name: trees[0]},
	})
	if err != nil {
		return nil, nil, err
	}
	base, err := random.Image(256, 1)
	if err != nil {
		return nil, nil, err
	}
	img, ok := mutate.Annotations(base, map[string]string{image.KeyAnnotation: key}).(v1.Image)
	if !ok {
		panic("an annotated image is an image")
	}
	return img, []sign.Statement{
		{PredicateType: sign.PredicateSPDX, Predicate: json.RawMessage(`{"spdxVersion":"SPDX-2.3"}`)},
		{PredicateType: sign.PredicateProvenance, Predicate: provenance},
	}, nil
}
