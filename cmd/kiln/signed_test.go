package main

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// signed KEYS RECIPE REPOSITORY[:TAG]|FOLDER: what a build of the recipe
// leaves there, signed with the development key in the folder KEYS, or by the
// instance whose files the command sigstore wrote there; the files in the image
// are random. With "unsigned" for KEYS nothing is attached.
func signed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: signed KEYS RECIPE TARGET")
	}
	ctx := context.Background()
	r, err := loadRecipe(ts.MkAbs(args[1]))
	ts.Check(err)
	made, err := stub(ctx, r)
	ts.Check(err)
	attach := func(context.Context, v1.Descriptor, recipes.Attached) ([]recipes.Attachment, error) { return nil, nil }
	if args[0] != "unsigned" {
		signer := signerOf(ts, ts.MkAbs(args[0]))
		attach = func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
			return sign.Sign(ctx, subject, r.Name, signer, made.statements[subject.Digest], sign.Options{Existing: existing})
		}
	}
	if filepath.Ext(args[2]) == ".oci" {
		_, err := push.WriteLayout(ctx, ts.MkAbs(args[2]), made.top, attach, []string{r.Version})
		ts.Check(err)
		return
	}
	tag, err := name.NewTag(args[2], name.WithDefaultTag(r.Version))
	ts.Check(err)
	reg, err := push.New(push.Config{})
	ts.Check(err)
	_, err = reg.Push(ctx, tag.Context(), made.top, attach, []string{tag.TagStr()})
	ts.Check(err)
}

// stub is what a build of the recipe with its lock makes, with random files in
// the images: their build keys, and the statements about them.
func stub(ctx context.Context, r *recipes.Recipe) (goods, error) {
	b := &build{recipe: r, platforms: r.Platforms, target: &layoutTarget{}}
	var err error
	if b.lock, err = recipes.ReadLock(r.LockPath()); err != nil {
		return goods{}, err
	}
	if b.vex, err = r.ReadVEX(); err != nil {
		return goods{}, err
	}
	if b.trees, err = builder.LocalTrees(ctx, r); err != nil {
		return goods{}, err
	}
	var jobs []*job
	for _, p := range r.Platforms {
		j, err := stubJob(ctx, b, p)
		if err != nil {
			return goods{}, err
		}
		b.keys, jobs = append(b.keys, j.key), append(jobs, j)
	}
	return b.compose(jobs, &result{Key: builder.IndexKey(b.keys)})
}

func stubJob(ctx context.Context, b *build, platform string) (*job, error) {
	key, err := builder.Key(b.recipe, b.lock, b.trees, platform)
	if err != nil {
		return nil, err
	}
	base, err := random.Image(256, 1)
	if err != nil {
		return nil, err
	}
	file, err := base.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, _ = strings.Cut(platform, "/")
	if base, err = mutate.ConfigFile(base, file); err != nil {
		return nil, err
	}
	img, ok := mutate.Annotations(base, map[string]string{image.KeyAnnotation: key}).(v1.Image)
	if !ok {
		panic("an annotated image is an image")
	}
	j := &job{build: b, platform: platform, key: key, image: img, conn: &engine.Engine{}}
	if j.digest, err = img.Digest(); err != nil {
		return nil, err
	}
	j.document = sbom.IndexImage{Platform: platform, Digest: j.digest, Namespace: "https://example.com/" + platform}
	provenance, err := j.provenance(sign.ProvenanceInput{Platform: platform, Key: key})
	if err != nil {
		return nil, err
	}
	j.res = &platformResult{Platform: platform, Tests: stubTests(b.recipe)}
	tests, err := j.tests(sign.TestedImage{Results: j.res.Tests})
	if err != nil {
		return nil, err
	}
	spdx, err := stubSPDX(ctx, j)
	if err != nil {
		return nil, err
	}
	j.statements, err = j.withVEX([]sign.Statement{spdx, provenance, tests}, j.digest.String(), platform)
	return j, err
}

// stubSPDX is the file sbom.json beside the recipe, or else a document of an
// image with one file.
func stubSPDX(ctx context.Context, j *job) (sign.Statement, error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(j.recipe.File), "sbom.json"))
	if errors.Is(err, os.ErrNotExist) {
		return stubDocument(ctx, j)
	}
	return spdxStatement(text), err
}

// stubDocument describes an image with one file, the service.
func stubDocument(ctx context.Context, j *job) (sign.Statement, error) {
	sum := digestOf([]byte(j.recipe.Version))
	doc, _, err := sbom.Describe(ctx, sbom.Input{
		Recipe: j.recipe, Lock: j.lock, Platform: j.platform, Digest: j.digest, Version: "test",
		Content: &recipes.Content{Files: []recipes.File{{
			Path: "/usr/bin/" + j.recipe.Name, Type: tar.TypeReg, Mode: 0o755, Size: 1, Owner: recipes.OwnerService, SHA1: sum[:40], SHA256: sum,
		}}},
	})
	if err != nil {
		return sign.Statement{}, err
	}
	text, err := sbom.Marshal(doc)
	return spdxStatement(text), err
}

// stubTests are results of the recipe's tests, of which all passed but those
// that are called to be otherwise.
func stubTests(r *recipes.Recipe) []recipes.TestResult {
	var list []recipes.TestResult
	for _, t := range r.Tests {
		result := recipes.TestResult{Name: t.Title(), Kind: t.Kind(), Status: recipes.StatusPassed}
		switch t.Name {
		case recipes.StatusNotRun, recipes.StatusFailed:
			result.Status = t.Name
		}
		list = append(list, result)
	}
	return list
}

// platforms RECIPE PLATFORM...: makes the recipe, and its lock, one for these
// platforms. All are built with the packages of the first.
func platforms(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: platforms RECIPE PLATFORM...")
	}
	file := filepath.Join(ts.MkAbs(args[0]), "recipe.yaml")
	old, err := recipes.Load(file)
	ts.Check(err)
	lock, err := recipes.ReadLock(old.LockPath())
	ts.Check(err)
	text, err := os.ReadFile(file)
	ts.Check(err)
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return strings.HasPrefix(l, "platforms:") })
	lines = append(lines, "platforms: ["+strings.Join(args[1:], ", ")+"]\n")
	ts.Check(os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600))
	r, err := recipes.Load(file)
	ts.Check(err)
	first := lock.Platforms[0]
	lock.Inputs, lock.Platforms = recipes.Inputs(r), nil
	for _, p := range args[1:] {
		locked := recipes.LockedPlatform{Platform: p, Build: first.Build, Fetches: first.Fetches}
		if p != first.Platform {
			locked.Builder = first.Platform
		}
		lock.Platforms = append(lock.Platforms, locked)
	}
	out, err := lock.Marshal()
	ts.Check(err)
	ts.Check(os.WriteFile(r.LockPath(), out, 0o600))
}
