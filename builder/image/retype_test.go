package image

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layers of a base with Docker's media types get OCI's, and still say which
// repository of a registry they can be mounted from.
func TestBaseLayersStayMountable(t *testing.T) {
	from, err := name.NewDigest("registry.example/team/base@sha256:0123456789012345678901234567890123456789012345678901234567890123")
	if err != nil {
		t.Fatal(err)
	}
	for _, mt := range []types.MediaType{types.DockerLayer, types.OCILayer} {
		l, err := random.Layer(100, mt)
		if err != nil {
			t.Fatal(err)
		}
		base, err := mutate.Append(empty.Image, mutate.Addendum{Layer: &remote.MountableLayer{Layer: l, Reference: from}, MediaType: mt})
		if err != nil {
			t.Fatal(err)
		}
		img, err := onBase(mutate.MediaType(empty.Image, types.OCIManifestSchema1), base)
		if err != nil {
			t.Fatal(err)
		}
		checkMountable(t, img, from)
	}
}

func checkMountable(t *testing.T, img v1.Image, from name.Reference) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("got %d layers, %v, want 1", len(layers), err)
	}
	m, ok := layers[0].(*remote.MountableLayer)
	if !ok || m.Reference != from {
		t.Fatalf("got %#v, want a layer of %s", layers[0], from)
	}
	if got, err := m.MediaType(); err != nil || got != types.OCILayer {
		t.Errorf("got %s, %v, want %s", got, err, types.OCILayer)
	}
	manifest, err := img.Manifest()
	if err != nil || manifest.Layers[0].MediaType != types.OCILayer {
		t.Errorf("the manifest says %v, %v, want %s", manifest.Layers, err, types.OCILayer)
	}
}
