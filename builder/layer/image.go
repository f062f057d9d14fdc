package layer

import (
	"bytes"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
)

// Image returns an OCI image of the layers for the platform (os/arch), with
// no other configuration: an input for an engine.
func Image(platform v1.Platform, layers ...v1.Layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		mt, err := l.MediaType()
		if err != nil {
			return nil, err
		}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: mt}); err != nil {
			return nil, fmt.Errorf("composing image: %w", err)
		}
	}
	return img, nil
}

// StoreImage puts an [Image] of the layers into store, and returns its digest.
func StoreImage(store *blobs.Store, platform v1.Platform, layers ...v1.Layer) (v1.Hash, error) {
	img, err := Image(platform, layers...)
	if err != nil {
		return v1.Hash{}, err
	}
	return Store(store, img)
}

// Store puts the manifest, the configuration and those layers of img that are
// not there yet into store, and returns the manifest's digest.
func Store(store *blobs.Store, img v1.Image) (v1.Hash, error) {
	layers, err := img.Layers()
	if err != nil {
		return v1.Hash{}, err
	}
	for _, l := range layers {
		if err := storeLayer(store, l); err != nil {
			return v1.Hash{}, err
		}
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return v1.Hash{}, err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	for _, b := range [][]byte{config, manifest} {
		if _, _, err := store.Put(bytes.NewReader(b), ""); err != nil {
			return v1.Hash{}, err
		}
	}
	return img.Digest()
}

func storeLayer(store *blobs.Store, l v1.Layer) error {
	d, err := l.Digest()
	if err != nil {
		return err
	}
	if store.Has(d.Hex, -1) {
		return nil
	}
	r, err := l.Compressed()
	if err != nil {
		return fmt.Errorf("reading layer %s: %w", d, err)
	}
	defer r.Close()
	_, _, err = store.Put(r, d.Hex)
	return err
}
