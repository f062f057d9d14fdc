package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/recipes"
)

// What a foreign registry may make kiln read. An SBOM of a large image has a
// few megabytes.
const (
	maxBundles    = 256
	maxBundleSize = 128 << 20
)

const bundleTypePrefix = "application/vnd.dev.sigstore.bundle"

// Statements fetches what is attached to an image: the Sigstore bundles among
// its referrers, listed by the referrers API or the tag that stands in for
// it, and the images of cosign's tag layout, whose layers are read when they
// are asked for. Nothing is verified. Errors are [*Error].
func (r *Registry) Statements(ctx context.Context, ref name.Digest) (recipes.Attached, error) {
	var found recipes.Attached
	tag := strings.Replace(ref.DigestStr(), ":", "-", 1)
	// The images are lazy and so outlive the group, hence not its context.
	var g errgroup.Group
	g.Go(func() (err error) {
		found.Bundles, err = r.bundles(ctx, ref)
		return err
	})
	g.Go(func() (err error) {
		found.Signatures, err = r.tagged(ctx, ref.Context().Tag(tag+".sig"))
		return err
	})
	g.Go(func() (err error) {
		found.Attestations, err = r.tagged(ctx, ref.Context().Tag(tag+".att"))
		return err
	})
	if err := g.Wait(); err != nil {
		return recipes.Attached{}, wrap("reading statements of", ref, err)
	}
	return found, nil
}

// Attachments are the digests of the manifests that [Registry.Statements] would
// read, sorted: where they are the same, so is what is attached. Tags, where it
// is not nil, are all that the repository has: none of the others is asked for.
// Errors are [*Error].
func (r *Registry) Attachments(ctx context.Context, ref name.Digest, tags []string) ([]v1.Hash, error) {
	var g errgroup.Group
	var found [3][]v1.Hash
	g.Go(func() error {
		list, err := r.referrers(ctx, ref)
		for _, d := range list {
			found[0] = append(found[0], d.Digest)
		}
		return err
	})
	for i, suffix := range []string{".sig", ".att"} {
		tag := strings.Replace(ref.DigestStr(), ":", "-", 1) + suffix
		if tags != nil && !slices.Contains(tags, tag) {
			continue
		}
		g.Go(func() error {
			d, err := r.puller.Head(ctx, ref.Context().Tag(tag))
			if err == nil {
				found[i+1] = []v1.Hash{d.Digest}
			} else if !notFound(err) {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, wrap("reading statements of", ref, err)
	}
	all := slices.Concat(found[0], found[1], found[2])
	slices.SortFunc(all, func(a, b v1.Hash) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all), nil
}

// tagged is the image with a tag, or nil.
func (r *Registry) tagged(ctx context.Context, tag name.Tag) (v1.Image, error) {
	desc, err := r.puller.Get(ctx, tag)
	if notFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return desc.Image()
}

func (r *Registry) bundles(ctx context.Context, ref name.Digest) ([]recipes.Bundle, error) {
	list, err := r.referrers(ctx, ref)
	if err != nil {
		return nil, err
	}
	var wanted []v1.Descriptor
	for _, d := range list {
		// Some registries list referrers without their type.
		if d.ArtifactType == "" || strings.HasPrefix(d.ArtifactType, bundleTypePrefix) {
			wanted = append(wanted, d)
		}
	}
	if len(wanted) > maxBundles {
		return nil, fmt.Errorf("%d bundles are attached, at most %d are read", len(wanted), maxBundles)
	}
	bundles := make([]recipes.Bundle, len(wanted))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i, d := range wanted {
		g.Go(func() (err error) {
			bundles[i], err = r.bundle(ctx, ref.Context().Digest(d.Digest.String()))
			return err
		})
	}
	err = g.Wait()
	return present(bundles), err
}

// present drops the referrers that turned out to be something else.
func present(bundles []recipes.Bundle) []recipes.Bundle {
	var kept []recipes.Bundle
	for _, b := range bundles {
		if b.Data != nil {
			kept = append(kept, b)
		}
	}
	return kept
}

// bundle fetches one referrer. Its Data is nil where it is no bundle, or gone
// since it was listed.
func (r *Registry) bundle(ctx context.Context, ref name.Digest) (recipes.Bundle, error) {
	desc, err := r.puller.Get(ctx, ref)
	if notFound(err) {
		return recipes.Bundle{}, nil
	} else if err != nil {
		return recipes.Bundle{}, err
	}
	if !desc.MediaType.IsImage() {
		return recipes.Bundle{}, nil
	}
	img, err := desc.Image()
	if err != nil {
		return recipes.Bundle{}, err
	}
	var b recipes.Bundle
	for try := 1; ; try++ { // a connection may break while the blob is read
		b, err = readBundle(img)
		if err == nil || !broken(err) || try == attempts {
			return b, err
		}
		if err := sleep(ctx, r.transport.wait(nil, try)); err != nil {
			return b, err
		}
	}
}

// readBundle reads the bundle that an image holds as its only layer.
func readBundle(img v1.Image) (recipes.Bundle, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return recipes.Bundle{}, err
	}
	if len(manifest.Layers) != 1 || !strings.HasPrefix(string(manifest.Layers[0].MediaType), bundleTypePrefix) {
		return recipes.Bundle{}, nil
	}
	if size := manifest.Layers[0].Size; size > maxBundleSize {
		return recipes.Bundle{}, fmt.Errorf("bundle of %d bytes is larger than %d", size, maxBundleSize)
	}
	layer, err := img.LayerByDigest(manifest.Layers[0].Digest)
	if err != nil {
		return recipes.Bundle{}, err
	}
	rc, err := layer.Compressed()
	if err != nil {
		return recipes.Bundle{}, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, maxBundleSize))
	if err != nil {
		return recipes.Bundle{}, err
	}
	digest, err := img.Digest()
	return recipes.Bundle{
		Digest: digest,
		Claims: manifest.Annotations["dev.sigstore.bundle.predicateType"],
		Data:   data,
	}, err
}

// referrers lists the manifests whose subject is ref.
func (r *Registry) referrers(ctx context.Context, ref name.Digest) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(ref, remote.Reuse(r.puller), remote.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	return manifest.Manifests, nil
}

func notFound(err error) bool {
	var status *transport.Error
	return errors.As(err, &status) && status.StatusCode == http.StatusNotFound
}
