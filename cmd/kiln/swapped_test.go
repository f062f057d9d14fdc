package main

import (
	"context"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// swapped KEYS FROM TO: what someone makes of the signed index FROM who can
// push but not sign: one platform's image is another, and all signatures are
// where the index's and the image's would be. With a key in the folder KEYS
// the index itself is signed by it; with "unsigned" nothing is.
func swapped(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: swapped KEYS FROM TO")
	}
	ctx := context.Background()
	from, err := name.NewTag(args[1])
	ts.Check(err)
	to, err := name.NewTag(args[2])
	ts.Check(err)
	good, err := remote.Index(from)
	ts.Check(err)
	bad, err := swap(good)
	ts.Check(err)
	old, err := good.Digest()
	ts.Check(err)
	reg, err := push.New(push.Config{})
	ts.Check(err)
	attached, err := reg.Statements(ctx, from.Context().Digest(old.String()))
	ts.Check(err)
	_, err = reg.Push(ctx, to.Context(), bad, func(ctx context.Context, d v1.Descriptor, have recipes.Attached) ([]recipes.Attachment, error) {
		if args[0] != "unsigned" && d.MediaType.IsIndex() {
			key, _, err := sign.DevelopmentKey(ts.MkAbs(args[0]))
			if err != nil {
				return nil, err
			}
			return sign.Sign(ctx, d, to.Context().Name(), key, []sign.Statement{
				{PredicateType: sign.PredicateProvenance, Predicate: []byte("{}")},
			}, sign.Options{Existing: have})
		}
		prefix := strings.Replace(d.Digest.String(), ":", "-", 1)
		return []recipes.Attachment{
			{Image: attached.Signatures, Tag: prefix + ".sig"}, {Image: attached.Attestations, Tag: prefix + ".att"},
		}, nil
	}, []string{to.TagStr()})
	ts.Check(err)
}

// swap replaces the image for linux/arm64.
func swap(index v1.ImageIndex) (v1.ImageIndex, error) {
	other, err := random.Image(64, 1)
	if err != nil {
		return nil, err
	}
	arm := v1.Platform{OS: "linux", Architecture: "arm64"}
	index = mutate.RemoveManifests(index, match.Platforms(arm))
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &arm}}), nil
}

// platformDigest IMAGE PLATFORM: sets DIGEST to that of the index's image.
func platformDigest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: platformdigest IMAGE PLATFORM")
	}
	ref, err := name.ParseReference(args[0])
	ts.Check(err)
	index, err := remote.Index(ref)
	ts.Check(err)
	m, err := index.IndexManifest()
	ts.Check(err)
	for _, d := range m.Manifests {
		if d.Platform.String() == args[1] {
			ts.Setenv("DIGEST", d.Digest.String())
			return
		}
	}
	ts.Fatalf("%s has no image for %s", args[0], args[1])
}
