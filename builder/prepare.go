package builder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/source"
	"github.com/kiln-build/kiln/recipes"
)

// rootFormat changes with the bytes of the root file system that dpkg starts
// from.
const rootFormat = "root-layer 3"

// Preparer brings what a plan starts from into the store that kiln serves to
// the engine.
type Preparer struct {
	Archive *archive.Client
	Sources *source.Fetcher
	Store   *blobs.Store
	Memo    memo.Dir
	// Image reads a registry image by reference.
	Image func(ctx context.Context, ref, platform string) (v1.Image, error)
	// Git, where not nil, has the trees of git sources; else the engine that
	// builds fetches them.
	Git func(ctx context.Context, src recipes.Source, locked recipes.LockedSource, epoch int64) (layer.Layer, error)
	// Warm, which may be nil, is given the root as soon as it is there, while
	// packages still arrive. See [Engine.Warm].
	Warm func(ctx context.Context, root v1.Hash, platform string) error
}

// Prepare fetches the locked packages and sources and returns the images that
// a plan for the platform starts from, for what its build runs on.
func (p *Preparer) Prepare(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, trees Trees, platform string) (Inputs, error) {
	locked, err := l.For(platform)
	if err != nil {
		return Inputs{}, err
	}
	goos, arch, _ := strings.Cut(locked.RunsOn(), "/")
	target := v1.Platform{OS: goos, Architecture: arch}
	var in Inputs
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if r.Build.Image != "" {
			in.Root, in.Env, err = p.image(ctx, r.Build.Image, target)
			return placed(r, r.Pos("build.image"), err)
		}
		if in.Root, err = p.root(ctx, locked, target); err != nil {
			return fmt.Errorf("preparing the build environment: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) {
		in.Sources, in.Files, err = p.sources(ctx, r, l, trees, target)
		return err
	})
	g.Go(func() (err error) {
		in.Git, err = p.git(ctx, r, l, target)
		return err
	})
	err = g.Wait()
	return in, err
}

// Laid is [Preparer.Prepare] for sources alone: enough to look at a plan, not to
// carry it out.
func (p *Preparer) Laid(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, trees Trees, platform string) (in Inputs, err error) {
	locked, err := l.For(platform)
	if err != nil {
		return Inputs{}, err
	}
	goos, arch, _ := strings.Cut(locked.RunsOn(), "/")
	in.Sources, in.Files, err = p.sources(ctx, r, l, trees, v1.Platform{OS: goos, Architecture: arch})
	return in, err
}

// git makes an image of each git source's tree.
func (p *Preparer) git(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, target v1.Platform) (map[int]v1.Hash, error) {
	if p.Git == nil {
		return nil, nil
	}
	trees := map[int]v1.Hash{}
	for i, s := range r.Sources {
		if s.Git == nil {
			continue
		}
		tree, err := p.Git(ctx, s, l.Sources[i], l.Epoch.Seconds)
		if err != nil {
			return nil, placed(r, s.Pos, err)
		}
		if trees[i], err = layer.StoreImage(p.Store, target, tree.In(p.Store)); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

// image is the registry image that serves as the build environment, and the
// environment variables that it sets.
func (p *Preparer) image(ctx context.Context, ref string, target v1.Platform) (v1.Hash, []string, error) {
	img, err := p.Image(ctx, ref, target.String())
	if err != nil {
		return v1.Hash{}, nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return v1.Hash{}, nil, fmt.Errorf("reading image %s: %w", ref, err)
	}
	digest, err := layer.Store(p.Store, img)
	return digest, config.Config.Env, err
}

// root is the file system of the essential packages, in which dpkg runs.
func (p *Preparer) root(ctx context.Context, locked recipes.LockedPlatform, target v1.Platform) (v1.Hash, error) {
	var essential, others []recipes.Package
	for _, pkg := range locked.Build {
		if pkg.Essential {
			essential = append(essential, pkg)
		} else {
			others = append(others, pkg)
		}
	}
	if err := p.Archive.Fetch(ctx, archive.FilesOf(essential)); err != nil {
		return v1.Hash{}, err
	}
	cold := slices.ContainsFunc(others, func(pkg recipes.Package) bool { return !p.Store.Has(pkg.SHA256, pkg.Size) })
	// The essential packages are unpacked and configured while the others
	// still arrive.
	g, ctx := errgroup.WithContext(ctx)
	var root v1.Hash
	g.Go(func() (err error) {
		if root, err = p.rootImage(essential, target); err != nil || !cold || p.Warm == nil {
			return err
		}
		return p.Warm(ctx, root, target.String())
	})
	g.Go(func() error { return p.Archive.Fetch(ctx, archive.FilesOf(others)) })
	err := g.Wait()
	return root, err
}

func (p *Preparer) rootImage(essential []recipes.Package, target v1.Platform) (v1.Hash, error) {
	l, err := p.rootLayer(essential, target)
	if err != nil {
		return v1.Hash{}, err
	}
	return layer.StoreImage(p.Store, target, l.In(p.Store))
}

// rootLayer is the essential packages unpacked into one layer.
func (p *Preparer) rootLayer(essential []recipes.Package, target v1.Platform) (layer.Layer, error) {
	key, err := memo.Key(rootFormat, essential, target)
	if err != nil {
		return layer.Layer{}, err
	}
	return memo.Do(p.Memo, key,
		func(l layer.Layer) bool { return p.Store.Has(l.Blob.Hex, l.Bytes) },
		func() (layer.Layer, error) { return p.writeRoot(essential) })
}

func (p *Preparer) writeRoot(essential []recipes.Package) (layer.Layer, error) {
	w, err := p.Store.Writer()
	if err != nil {
		return layer.Layer{}, err
	}
	defer w.Close() //nolint:errcheck // removes what was not committed
	var debs []string
	for _, pkg := range essential {
		debs = append(debs, p.Store.Path(pkg.SHA256))
	}
	if err := archive.WriteRootTar(w, debs, 0); err != nil {
		return layer.Layer{}, err
	}
	hexsum, size, err := w.Commit("")
	return layer.Uncompressed(v1.Hash{Algorithm: "sha256", Hex: hexsum}, size), err
}

// sources makes one image of all sources that kiln fetches itself, and lists
// its files.
func (p *Preparer) sources(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, trees Trees, target v1.Platform) (v1.Hash, []recipes.File, error) {
	var layers []v1.Layer
	files := []recipes.File{}
	for i, s := range r.Sources {
		if s.Git != nil {
			continue
		}
		made, err := p.Sources.Layer(ctx, s, l.Sources[i], filepath.Dir(r.File), trees[i], l.Epoch.Seconds)
		if err != nil {
			return v1.Hash{}, nil, placed(r, s.Pos, err)
		}
		layers = append(layers, made)
		files = append(files, made.Files...)
	}
	if len(layers) == 0 {
		return v1.Hash{}, nil, nil
	}
	digest, err := layer.StoreImage(p.Store, target, layers...)
	return digest, files, err
}
