package builder

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// gitFormat changes with the bytes that the layer of a commit's tree is.
const gitFormat = "git-layer 1"

// LockTrees puts the digests of the trees of the recipe's git sources into the
// lock. A commit that was locked before, in was, which may be nil, has the tree
// that it had.
func (e *Fetcher) LockTrees(ctx context.Context, r *recipes.Recipe, l, was *recipes.Lock) error {
	for i, s := range r.Sources {
		if s.Git == nil {
			continue
		}
		locked := &l.Sources[i]
		if locked.Tree = treeOf(was, locked.Commit, l.Epoch.Seconds); locked.Tree != "" {
			continue
		}
		tree, err := e.GitLayer(ctx, s, *locked, l.Epoch.Seconds)
		if err != nil {
			return placed(r, s.Pos, err)
		}
		locked.Tree = tree.Blob.Hex
	}
	return nil
}

// treeOf is the digest that the lock has for the commit's tree, if it dates
// files with the same time.
func treeOf(l *recipes.Lock, commit string, epoch int64) string {
	if l == nil || l.Epoch.Seconds != epoch {
		return ""
	}
	i := slices.IndexFunc(l.Sources, func(s recipes.LockedSource) bool { return s.Commit == commit })
	if i < 0 {
		return ""
	}
	return l.Sources[i].Tree
}

// GitLayer is the tree of the commit of a git source as a layer: that which
// the lock names by its digest, where it is there.
func (e *Fetcher) GitLayer(ctx context.Context, src recipes.Source, locked recipes.LockedSource, epoch int64) (layer.Layer, error) {
	if tree, ok := e.stored(locked.Tree); ok {
		return tree, nil
	}
	key, err := memo.Key(gitFormat, locked.Commit, epoch)
	if err != nil {
		return layer.Layer{}, err
	}
	return memo.Do(e.Memo, key, e.has, func() (layer.Layer, error) {
		if e.Offline {
			return layer.Layer{}, fmt.Errorf("the tree of %s is not among the inputs", src)
		}
		return e.exportGit(ctx, src, locked.Commit, epoch)
	})
}

func (e *Fetcher) exportGit(ctx context.Context, src recipes.Source, commit string, epoch int64) (layer.Layer, error) {
	def, err := llb.Git(src.Git.URL, "", llb.GitRef(commit), llb.GitChecksum(commit)).Marshal(ctx)
	if err != nil {
		return layer.Layer{}, fmt.Errorf("fetching %s: %w", src, err)
	}
	opt, err := e.options()
	if err != nil {
		return layer.Layer{}, err
	}
	out, err := newFetched(e.Store, epoch)
	if err != nil {
		return layer.Layer{}, err
	}
	defer out.close()
	out.exit = 0 // nothing runs
	opt.Exports = []client.ExportEntry{{
		Type:   client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) { return out.pipe(), nil },
	}}
	watch := e.Display.Watch("fetching")
	_, err = e.Client.Solve(ctx, def, opt, watch.Status)
	watch.Wait()
	if err != nil {
		return layer.Layer{}, fmt.Errorf("fetching %s: %w", src, err)
	}
	if _, err := out.wait(); err != nil {
		return layer.Layer{}, fmt.Errorf("fetching %s: %w", src, err)
	}
	return out.commit()
}
