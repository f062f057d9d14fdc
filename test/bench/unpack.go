package main

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// entries are everything in an image, by path.
type entries map[string]layer.Entry

// onlyImage is the one image of an OCI layout.
func onlyImage(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(m.Manifests) != 1 {
		return nil, fmt.Errorf("%s holds %d manifests, want 1", folder, len(m.Manifests))
	}
	return index.Image(m.Manifests[0].Digest)
}

// unpack is what is in the image, with the digests of its files, which can be
// read until done is called. Of layers with the same path the last counts, as
// in images that kiln makes on bases of its own.
func unpack(img v1.Image) (all entries, done func(), err error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, nil, err
	}
	lists, spools := make([][]layer.Entry, len(layers)), make([]*spool.Spool, len(layers))
	var g errgroup.Group
	for i, l := range layers {
		if spools[i], err = spool.New(""); err != nil {
			return nil, nil, err
		}
		g.Go(func() (err error) {
			lists[i], err = unpackLayer(l, spools[i])
			return err
		})
	}
	done = func() {
		for _, s := range spools {
			s.Close() //nolint:errcheck // it was read
		}
	}
	if err := g.Wait(); err != nil {
		done()
		return nil, nil, err
	}
	all = entries{}
	for _, list := range lists {
		for _, e := range list {
			all[e.Path] = e
		}
	}
	return all, done, nil
}

func unpackLayer(l v1.Layer, sp *spool.Spool) ([]layer.Entry, error) {
	rc, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	z, err := gzip.NewReader(rc)
	if err != nil {
		return nil, err
	}
	const limit = 4 << 30
	list, err := layer.Read(z, sp, recipes.OwnerBase, limit)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := layer.Hash(&list[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", list[i].Path, err)
		}
	}
	return list, nil
}
