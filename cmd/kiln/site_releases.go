package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// pageRelease is an image, or an index, of a repository.
type pageRelease struct {
	site.Release
	Hash v1.Hash
	// Index is whether it lists its images; else it is the one.
	Index  bool
	Images []releaseImage
}

// releaseImage is the image of a release for a platform.
type releaseImage struct {
	Platform string
	Digest   v1.Hash
	Size     int64
	Config   *v1.ConfigFile
}

// tagsOf lists the tags of a repository; one that is not there has none.
func (s *siteFacts) tagsOf(ctx context.Context, repo name.Repository) ([]string, error) {
	tags, err := s.registry.Tags(ctx, repo)
	if status := new(transport.Error); errors.As(err, &status) && status.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	return tags, err
}

// releases are what the repository has under its tags, the newest version first.
func (s *siteFacts) releases(ctx context.Context, repo name.Repository, tags []string) ([]*pageRelease, error) {
	tags = slices.DeleteFunc(slices.Clone(tags), attachment.MatchString)
	found := make([]*pageRelease, len(tags))
	err := inParallel(ctx, len(tags), siteJobs, func(ctx context.Context, i int) (err error) {
		found[i], err = s.tagged(ctx, repo, tags[i])
		return err
	})
	if err != nil {
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
	key, err := memo.Key("site release 1", version(), repo.Digest(found.Descriptor.Digest.String()).Name())
	if err != nil {
		return nil, err
	}
	return memo.Do(s.memo, key, nil, func() (*pageRelease, error) { return s.readRelease(ctx, repo, found) })
}

func (s *siteFacts) readRelease(ctx context.Context, repo name.Repository, found push.Found) (*pageRelease, error) {
	r := &pageRelease{Hash: found.Descriptor.Digest, Index: len(found.Manifests) > 0}
	r.Digest = r.Hash.String()
	listed := (&shelf{found: found}).listed()
	if !r.Index {
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
		r.Images = append(r.Images, *img)
		r.Platforms = append(r.Platforms, site.Platform{Name: img.Platform, Digest: img.Digest.String(), Size: img.Size})
	}
	if len(r.Images) == 0 {
		return nil, nil
	}
	config := r.Images[0].Config
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
	return &releaseImage{Platform: platform, Digest: d.Digest, Size: compressed(m), Config: config}, nil
}

// byDigest puts the tags of each release together.
func byDigest(tags []string, found []*pageRelease) []*pageRelease {
	var list []*pageRelease
	for i, f := range found {
		if f == nil {
			continue
		}
		at := slices.IndexFunc(list, func(r *pageRelease) bool { return r.Hash == f.Hash })
		if at < 0 {
			list = append(list, f)
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
