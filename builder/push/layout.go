package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/kiln-build/kiln/recipes"
)

// refName is the annotation that names an entry of a layout's index
// (image-spec, annotations.md).
const refName = "org.opencontainers.image.ref.name"

// WriteLayout writes an image, or an index with its images, and what attach
// makes for each of them, as an OCI image layout: the folder dir holds this one
// afterwards, once for each tag, the referrers, and cosign's tags. What is
// attached to the same in dir already is kept and shown to attach.
//
// The folder is written beside dir and put in its place when it is whole. A
// folder that is there and is not an OCI layout is an error. It returns the
// descriptor of what has the tags.
func WriteLayout(ctx context.Context, dir string, top Manifest, attach Attach, tags []string) (v1.Descriptor, error) {
	desc, err := writeLayout(ctx, dir, top, attach, tags)
	if err != nil {
		return v1.Descriptor{}, &Error{Op: "writing OCI layout", Ref: dir, Err: err}
	}
	return desc, nil
}

func writeLayout(ctx context.Context, dir string, top Manifest, attach Attach, tags []string) (v1.Descriptor, error) {
	main, err := partial.Descriptor(top)
	if err != nil {
		return v1.Descriptor{}, err
	}
	kept, err := keep(dir, main.Digest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := kept.extend(ctx, top, attach); err != nil {
		return v1.Descriptor{}, err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return v1.Descriptor{}, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // gone where all went well
	if err := fill(tmp, top, kept.Attachments, tags); err != nil {
		return v1.Descriptor{}, err
	}
	if err := ctx.Err(); err != nil {
		return v1.Descriptor{}, err
	}
	return *main, replace(tmp, dir)
}

// extend adds what attach makes for each manifest below top. It may be nil.
func (s *Stored) extend(ctx context.Context, top Manifest, attach Attach) error {
	if attach == nil {
		return nil
	}
	all, err := manifests(top)
	if err != nil {
		return err
	}
	for _, m := range all {
		subject, err := partial.Descriptor(m)
		if err != nil {
			return err
		}
		added, err := attach(ctx, *subject, s.Attached(subject.Digest))
		if err != nil {
			return err
		}
		if err := s.add(added); err != nil {
			return err
		}
	}
	return nil
}

// keep reads what is attached to the same image or index in dir; nothing where
// dir is missing, empty, or holds another.
func keep(dir string, want v1.Hash) (*Stored, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return &Stored{}, nil
	} else if err != nil {
		return nil, err
	}
	stored, err := ReadLayout(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder is there and is no layout that kiln wrote: %w", err)
	}
	if d, err := stored.Top.Digest(); err != nil || d != want {
		return &Stored{}, nil
	}
	return stored, nil
}

// fill writes the layout into an empty folder.
func fill(dir string, top Manifest, attachments []recipes.Attachment, tags []string) error {
	l, err := layout.Write(dir, emptyIndex())
	if err != nil {
		return err
	}
	names := tags
	if len(names) == 0 {
		names = []string{""}
	}
	for _, tag := range names {
		if err := entry(l, top, tag); err != nil {
			return err
		}
	}
	for _, a := range attachments {
		if err := entry(l, a.Image, a.Tag); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

// entry writes an image or an index and lists it in the layout's own index
// under its tag. A referrer is listed with its type and annotations, as a
// registry would list it (distribution-spec, "Listing Referrers").
func entry(l layout.Path, top Manifest, tag string) error {
	if err := write(l, top); err != nil {
		return err
	}
	desc, err := partial.Descriptor(top)
	if err != nil {
		return err
	}
	if img, ok := top.(v1.Image); ok {
		m, err := img.Manifest()
		if err != nil {
			return err
		}
		desc.ArtifactType = m.ArtifactType
		if m.Subject != nil {
			desc.Annotations = maps.Clone(m.Annotations)
		}
	}
	if tag != "" {
		desc.Annotations = map[string]string{refName: tag}
	}
	return l.AppendDescriptor(*desc)
}

func write(l layout.Path, top Manifest) error {
	switch m := top.(type) {
	case v1.Image:
		return l.WriteImage(m)
	case v1.ImageIndex:
		return l.WriteIndex(m)
	}
	return fmt.Errorf("a %T is neither image nor index", top)
}

// replace puts the folder tmp in the place of dir. For a moment there may be
// no dir, but never half of one.
func replace(tmp, dir string) error {
	old := tmp + ".old"
	err := os.Rename(dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		os.Rename(old, dir) //nolint:errcheck // the first error is the one to tell
		return err
	}
	return os.RemoveAll(old)
}

// cosignTag reports whether a layout entry's name is one of cosign's tags, and
// for which manifest.
func cosignTag(tag string) (subject v1.Hash, ok bool) {
	digest, kind, ok := strings.Cut(tag, ".")
	if !ok || kind == "" {
		return v1.Hash{}, false
	}
	subject, err := v1.NewHash(strings.Replace(digest, "-", ":", 1))
	return subject, err == nil
}
