package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/inputs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// keep adds layers to the set as they are made.
func (v *vendor) keep(kind string) func(name string, l layer.Layer) {
	return func(name string, l layer.Layer) {
		v.set.Entries = append(v.set.Entries, inputs.Entry{Kind: kind, Name: name, Digest: l.Blob, Size: l.Bytes})
	}
}

// git has the trees of git sources exported, and adds them to the set. They
// must be those of the lock.
func (v *vendor) git(fetch *builder.Fetcher) func(context.Context, recipes.Source, recipes.LockedSource, int64) (layer.Layer, error) {
	return func(ctx context.Context, src recipes.Source, locked recipes.LockedSource, epoch int64) (layer.Layer, error) {
		l, err := fetch.GitLayer(ctx, src, locked, epoch)
		if err == nil && l.Blob.Hex != locked.Tree {
			err = withHint{
				fmt.Errorf("the tree of %s has the digest sha256:%s, the lock has %q", src, l.Blob.Hex, locked.Tree),
				"an older kiln made the lock: `kiln lock " + v.recipe.File + "` locks it afresh",
			}
		}
		if err == nil {
			v.keep(inputs.KindGit)(locked.Commit, l)
		}
		return l, err
	}
}

// filesOf are the packages of a platform that a build may need.
func filesOf(p recipes.LockedPlatform) []archive.File {
	return archive.FilesOf(slices.Concat(p.Build, p.Image))
}

// goModules adds the zips of the sources that are Go modules.
func (v *vendor) goModules(ctx context.Context) error {
	for _, s := range v.lock.Sources {
		if s.Kind != recipes.KindGo {
			continue
		}
		file, err := v.env.modules(v.store).Zip(ctx, s.Name, s.Version, s.Sum)
		if err != nil {
			return err
		}
		if err := v.blob(inputs.KindGo, s.Sum, v1.Hash{Algorithm: "sha256", Hex: filepath.Base(file)}); err != nil {
			return err
		}
	}
	return nil
}

// blob adds a blob of the store to the set.
func (v *vendor) blob(kind, name string, digest v1.Hash) error {
	fi, err := os.Stat(v.store.Path(digest.Hex))
	if err != nil {
		return fmt.Errorf("collecting %s: %w", name, err)
	}
	v.set.Entries = append(v.set.Entries, inputs.Entry{Kind: kind, Name: name, Digest: digest, Size: fi.Size()})
	return nil
}

// registryImages adds the registry images that the recipe names by digest.
func (v *vendor) registryImages(ctx context.Context, p recipes.LockedPlatform) error {
	for _, named := range []struct{ ref, platform string }{
		{v.recipe.Build.Image, p.RunsOn()}, {v.recipe.Image.Base, p.Platform},
	} {
		if !strings.Contains(named.ref, "@") {
			continue // none, or a base of kiln's own
		}
		if err := v.registryImage(ctx, named.ref, named.platform); err != nil {
			return err
		}
	}
	return nil
}

func (v *vendor) registryImage(ctx context.Context, ref, platform string) error {
	d, err := name.NewDigest(ref)
	if err != nil {
		return fmt.Errorf("reading image %s: %w", ref, err)
	}
	img, err := v.images.image(ctx, ref, platform)
	if err != nil {
		return err
	}
	digest, err := layer.Store(v.store, img)
	if err != nil {
		return err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	digests := []v1.Hash{digest, manifest.Config.Digest}
	for _, l := range manifest.Layers {
		digests = append(digests, l.Digest)
	}
	if d.DigestStr() != digest.String() { // of an index over several platforms
		top, err := v.images.registry.Manifest(ctx, d, v.store.Put)
		if err != nil {
			return err
		}
		digests = append(digests, top)
	}
	for _, digest := range digests {
		if err := v.blob(inputs.KindImage, d.DigestStr(), digest); err != nil {
			return err
		}
	}
	return nil
}
