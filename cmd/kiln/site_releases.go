package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// pageRelease is an image, or an index, of a repository.
type pageRelease struct {
	site.Release
	digest v1.Hash
	// index is whether it lists its images; else it is the one.
	index  bool
	images []releaseImage
}

// releaseImage is the image of a release for a platform.
type releaseImage struct {
	platform string
	digest   v1.Hash
	size     int64
	config   *v1.ConfigFile
}

// attachedTag are the tags of what is attached to images: cosign's, and those of
// registries without the referrers API (distribution-spec, "Referrers Tag
// Schema").
var attachedTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// releases are what the repository has, the newest version first. None is not an
// error.
func (s *siteFacts) releases(ctx context.Context, repo name.Repository) ([]*pageRelease, error) {
	tags, err := s.registry.Tags(ctx, repo)
	if status := new(transport.Error); errors.As(err, &status) && status.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags = slices.DeleteFunc(tags, attachedTag.MatchString)
	found := make([]*pageRelease, len(tags))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(siteJobs)
	for i, tag := range tags {
		g.Go(func() (err error) {
			found[i], err = s.tagged(ctx, repo, tag)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return newestFirst(byDigest(tags, found)), nil
}

// tagged is the release that a tag names; nil where it has gone, or is no image.
func (s *siteFacts) tagged(ctx context.Context, repo name.Repository, tag string) (*pageRelease, error) {
	found, ok, err := s.registry.Lookup(ctx, repo.Tag(tag))
	if err != nil || !ok {
		return nil, err
	}
	return s.known.get(repo.Digest(found.Descriptor.Digest.String()).Name(), func() (*pageRelease, error) {
		return s.readRelease(ctx, repo, found)
	})
}

func (s *siteFacts) readRelease(ctx context.Context, repo name.Repository, found push.Found) (*pageRelease, error) {
	r := &pageRelease{digest: found.Descriptor.Digest, index: len(found.Manifests) > 0}
	r.Digest = r.digest.String()
	listed := (&shelf{found: found}).listed()
	if !r.index {
		listed = []v1.Descriptor{found.Descriptor}
	}
	for _, d := range listed {
		img, err := s.readImage(ctx, repo, d)
		if err != nil {
			return nil, err
		}
		if img == nil {
			return nil, nil
		}
		r.images = append(r.images, *img)
		r.Platforms = append(r.Platforms, site.Platform{Name: img.platform, Digest: img.digest.String(), Size: img.size})
	}
	if len(r.images) == 0 {
		return nil, nil
	}
	config := r.images[0].config
	labels := config.Config.Labels
	r.Version, r.Variant, r.Built = labels["org.opencontainers.image.version"], labels[image.VariantAnnotation], config.Created.UTC()
	return r, nil
}

// readImage reads manifest and configuration; nil is something else that was
// tagged, such as an artifact.
func (s *siteFacts) readImage(ctx context.Context, repo name.Repository, d v1.Descriptor) (*releaseImage, error) {
	img, err := s.registry.Image(ctx, repo.Digest(d.Digest.String()), v1.Platform{})
	if err != nil {
		return nil, err
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading %s@%s: %w", repo, d.Digest, err)
	}
	if !m.Config.MediaType.IsConfig() {
		return nil, nil
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading %s@%s: %w", repo, d.Digest, err)
	}
	platform := config.OS + "/" + config.Architecture
	if d.Platform != nil {
		platform = d.Platform.String()
	}
	return &releaseImage{platform: platform, digest: d.Digest, size: compressed(m), config: config}, nil
}

// byDigest puts the tags of each release together. What is remembered of one is
// left as it is.
func byDigest(tags []string, found []*pageRelease) []*pageRelease {
	var list []*pageRelease
	for i, f := range found {
		if f == nil {
			continue
		}
		at := slices.IndexFunc(list, func(r *pageRelease) bool { return r.digest == f.digest })
		if at < 0 {
			fresh := *f
			fresh.Tags = nil
			list = append(list, &fresh)
			at = len(list) - 1
		}
		list[at].Tags = append(list[at].Tags, tags[i])
	}
	return list
}

// newestFirst orders by version, then by time, and the tags of each by how much
// they say: 1.28.0 before 1.28. An image that does not say its version goes by
// its first tag.
func newestFirst(list []*pageRelease) []*pageRelease {
	for _, r := range list {
		slices.SortStableFunc(r.Tags, func(a, b string) int {
			return cmp.Or(archive.CompareVersions(b, a), strings.Compare(a, b))
		})
		if i := slices.Index(r.Tags, r.Version); i > 0 {
			r.Tags = slices.Insert(slices.Delete(r.Tags, i, i+1), 0, r.Version)
		}
		r.Version = cmp.Or(r.Version, r.Tags[0])
	}
	slices.SortFunc(list, func(a, b *pageRelease) int {
		return cmp.Or(
			archive.CompareVersions(b.Version, a.Version), b.Built.Compare(a.Built), strings.Compare(a.Variant, b.Variant), strings.Compare(a.Digest, b.Digest),
		)
	})
	return list
}

// chooseRelease is the release that people are to use: the one that has the tag
// of the recipe's version, or else the newest that is no variant.
func chooseRelease(list []*pageRelease, r *recipes.Recipe) *pageRelease {
	for _, x := range list {
		if slices.Contains(x.Tags, r.Tag()) {
			return x
		}
	}
	for _, x := range list {
		if x.Variant == "" {
			return x
		}
	}
	return nil
}

// before is the release that came before r; nil where it is the first.
func before(list []*pageRelease, r *pageRelease) *pageRelease {
	for _, x := range list[slices.Index(list, r)+1:] {
		if x.Variant == r.Variant {
			return x
		}
	}
	return nil
}
