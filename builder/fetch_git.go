package builder

import (
	"context"
	"fmt"
	"io"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// gitFormat changes with the bytes that the layer of a commit's tree is.
const gitFormat = "git-layer 1"

// GitLayer is the tree of the commit of a git source as a layer, and the key
// that it is remembered by.
func (e *Fetcher) GitLayer(ctx context.Context, src recipes.Source, locked recipes.LockedSource, epoch int64) (layer.Layer, string, error) {
	key, err := gitKey(locked, epoch)
	if err != nil {
		return layer.Layer{}, "", err
	}
	l, err := memo.Do(e.Memo, key, e.has, func() (layer.Layer, error) {
		if e.Offline {
			return layer.Layer{}, fmt.Errorf("%s is not among the inputs", src)
		}
		return e.exportGit(ctx, src, locked.Commit, epoch)
	})
	return l, key, err
}

func gitKey(locked recipes.LockedSource, epoch int64) (string, error) {
	return memo.Key(gitFormat, locked.Commit, epoch)
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
