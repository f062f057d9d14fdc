package push

import (
	"bytes"
	"context"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Image returns the image with the digest; of an index, its image for the
// platform. Its blobs are read, and checked against their digests, when asked
// for. Mirrors come first. Errors are [*Error].
func (r *Registry) Image(ctx context.Context, ref name.Digest, platform v1.Platform) (v1.Image, error) {
	img, err := anywhere(r, ref, func(place name.Digest) (v1.Image, error) {
		desc, err := r.puller.Get(ctx, place)
		if err != nil {
			return nil, err
		}
		desc.Platform = &platform
		return desc.Image()
	})
	return img, wrap("reading image", ref, err)
}

// Manifest has put keep the manifest with the digest, of an image or an index,
// as it is, and returns the digest. Mirrors come first. Errors are [*Error].
func (r *Registry) Manifest(ctx context.Context, ref name.Digest, put func(content io.Reader, want string) (string, int64, error)) (v1.Hash, error) {
	desc, err := anywhere(r, ref, func(place name.Digest) (*remote.Descriptor, error) { return r.puller.Get(ctx, place) })
	if err != nil {
		return v1.Hash{}, wrap("reading image", ref, err)
	}
	if _, _, err := put(bytes.NewReader(desc.Manifest), desc.Digest.Hex); err != nil {
		return v1.Hash{}, wrap("reading image", ref, err)
	}
	return desc.Digest, nil
}

// Blob reads a blob of a repository by its digest, which is checked at the end
// of what is read. Errors are [*Error].
func (r *Registry) Blob(ctx context.Context, ref name.Digest) (io.ReadCloser, error) {
	l, err := r.puller.Layer(ctx, ref)
	if err != nil {
		return nil, wrap("reading blob", ref, err)
	}
	rc, err := l.Compressed()
	return rc, wrap("reading blob", ref, err)
}

// HasBlob reports whether a repository has the blob with the digest. Errors are
// [*Error].
func (r *Registry) HasBlob(ctx context.Context, ref name.Digest) (bool, error) {
	l, err := r.puller.Layer(ctx, ref)
	if err != nil {
		return false, wrap("looking for blob", ref, err)
	}
	ok, err := partial.Exists(l)
	if notFound(err) {
		return false, nil
	}
	return ok, wrap("looking for blob", ref, err)
}
