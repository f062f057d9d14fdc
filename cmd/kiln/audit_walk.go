package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/push"
)

// candidate is a manifest of a registry that is to be audited.
type candidate struct {
	repo name.Repository
	// ref names it by digest, or by a tag where nothing could be read.
	ref name.Reference
	// tags are those that name it, all are the repository's.
	tags, all []string
	listedBy  []string
	// platform is what an index says that it is for.
	platform string
	found    push.Found
	// err is why it cannot be read.
	err error
}

// walk finds what a registry has.
type walk struct {
	registry *push.Registry
	jobs     int
	progress *counter

	mu       sync.Mutex
	places   map[string]*candidate
	unlisted []unlisted
	others   int
}

// attachment is the form of tags that stand for what is attached to an image:
// cosign's, and that of registries without the referrers API (distribution-spec,
// "Referrers Tag Schema").
var attachment = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\..+)?$`)

// survey finds all images of the repositories: those that tags name, and those
// that indexes list. What cannot be read is a place with an error. The error is
// about what keeps it from looking at all.
func (w *walk) survey(ctx context.Context, repos []name.Repository) ([]*candidate, error) {
	w.places = map[string]*candidate{}
	var tagged []*candidate
	err := inParallel(ctx, len(repos), w.jobs, func(ctx context.Context, i int) error {
		repo := repos[i]
		tags, err := w.registry.Tags(ctx, repo)
		if err != nil {
			return w.unreadable(repo, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, t := range tags {
			if !attachment.MatchString(t) {
				tagged = append(tagged, &candidate{repo: repo, ref: repo.Tag(t), tags: []string{t}, all: tags})
			}
		}
		return nil
	})
	for next := tagged; err == nil && len(next) > 0; {
		w.progress.more(len(next))
		err = inParallel(ctx, len(next), w.jobs, func(ctx context.Context, i int) error { return w.look(ctx, next[i]) })
		next = w.settle(next)
	}
	return w.sorted(), err
}

// unreadable notes a repository that the registry does not tell about. Nothing
// is told of any where the registry cannot be reached.
func (w *walk) unreadable(repo name.Repository, err error) error {
	if !push.Answered(err) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlisted = append(w.unlisted, unlisted{repo.Name(), err.Error()})
	return nil
}

// look reads the manifest of a place.
func (w *walk) look(ctx context.Context, p *candidate) error {
	found, ok, err := w.registry.Lookup(ctx, p.ref)
	switch {
	case err != nil && !push.Answered(err):
		return err
	case err != nil:
		p.err = err
	case !ok:
		p.err = fmt.Errorf("looking up %s: the registry names it, and has no such manifest", p.ref)
	default:
		p.found, p.ref = found, p.repo.Digest(found.Descriptor.Digest.String())
	}
	w.progress.step()
	return nil
}

// settle takes up what was looked at, once for each digest of a repository, and
// returns what the indexes among it list.
func (w *walk) settle(list []*candidate) []*candidate {
	var next []*candidate
	for _, p := range list {
		if p.err == nil && !isImage(p.found) {
			w.others++
			continue
		}
		have, known := w.places[p.ref.Name()]
		if !known {
			w.places[p.ref.Name()] = p
			next = append(next, listedBy(p)...)
			continue
		}
		have.tags = append(have.tags, p.tags...)
		have.listedBy = append(have.listedBy, p.listedBy...)
		if have.platform == "" {
			have.platform = p.platform
		}
	}
	return next
}

// listedBy are the images that an index lists.
func listedBy(index *candidate) []*candidate {
	var list []*candidate
	for _, d := range index.found.Manifests {
		if !listsImage(d) {
			continue
		}
		p := &candidate{repo: index.repo, ref: index.repo.Digest(d.Digest.String()), all: index.all, listedBy: []string{index.ref.Identifier()}}
		if d.Platform != nil {
			p.platform = d.Platform.String()
		}
		list = append(list, p)
	}
	return list
}

// listsImage reports whether an entry of an index is an image or an index. Some
// tools list statements as images for a platform that is none.
func listsImage(d v1.Descriptor) bool {
	if d.Platform != nil && d.Platform.OS == "unknown" || d.ArtifactType != "" {
		return false
	}
	return d.MediaType.IsImage() || d.MediaType.IsIndex()
}

// isImage reports whether a manifest is an image, or an index of images, and not
// some other artifact: one that says so, or that is about another, or whose
// configuration is none of an image (image-spec, manifest.md, "Guidelines for
// Artifact Usage"). One that says nothing at all is taken for an image that is
// broken.
func isImage(f push.Found) bool {
	if f.ArtifactType != "" || f.Subject != nil {
		return false
	}
	if len(f.Manifests) > 0 {
		return slices.ContainsFunc(f.Manifests, listsImage)
	}
	if f.Descriptor.MediaType.IsIndex() {
		return false
	}
	return slices.Contains([]types.MediaType{"", types.OCIConfigJSON, types.DockerConfigJSON}, f.Config.MediaType)
}

// sorted are the places, by repository, and those with tags before others.
func (w *walk) sorted() []*candidate {
	var list []*candidate
	for _, p := range w.places {
		slices.Sort(p.tags)
		slices.Sort(p.listedBy)
		p.listedBy = slices.Compact(p.listedBy)
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *candidate) int {
		return strings.Compare(a.order(), b.order())
	})
	slices.SortFunc(w.unlisted, func(a, b unlisted) int { return strings.Compare(a.Repository, b.Repository) })
	return list
}

func (p *candidate) order() string {
	first := "~" // after all tags
	if len(p.tags) > 0 {
		first = p.tags[0]
	}
	return p.repo.Name() + "\x00" + first + "\x00" + p.platform + "\x00" + p.ref.Name()
}
