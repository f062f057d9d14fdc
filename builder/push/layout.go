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

// WriteLayout writes an image, and what attach makes for it, as an OCI image
// layout: the folder dir holds this one image afterwards, once for each tag,
// its referrers, and cosign's tags. What is attached to the same image in dir
// already is kept and shown to attach.
//
// The folder is written beside dir and put in its place when it is whole. A
// folder that is there and is not an OCI layout is an error. It returns the
// image's descriptor.
func WriteLayout(ctx context.Context, dir string, img v1.Image, attach Attach, tags []string) (v1.Descriptor, error) {
	desc, err := writeLayout(ctx, dir, img, attach, tags)
	if err != nil {
		return v1.Descriptor{}, &Error{Op: "writing OCI layout", Ref: dir, Err: err}
	}
	return desc, nil
}

func writeLayout(ctx context.Context, dir string, img v1.Image, attach Attach, tags []string) (v1.Descriptor, error) {
	subject, err := partial.Descriptor(img)
	if err != nil {
		return v1.Descriptor{}, err
	}
	kept, err := keep(dir, *subject)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if attach != nil {
		added, err := attach(ctx, *subject, kept.Attached)
		if err != nil {
			return v1.Descriptor{}, err
		}
		kept.add(added)
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
	if err := fill(tmp, img, kept.Attachments, tags); err != nil {
		return v1.Descriptor{}, err
	}
	if err := ctx.Err(); err != nil {
		return v1.Descriptor{}, err
	}
	return *subject, replace(tmp, dir)
}

// keep reads what is attached to the same image in dir; nothing where dir is
// missing, empty, or holds another image.
func keep(dir string, subject v1.Descriptor) (*Stored, error) {
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
	if d, err := stored.Image.Digest(); err != nil || d != subject.Digest {
		return &Stored{}, nil
	}
	return stored, nil
}

// fill writes the layout into an empty folder.
func fill(dir string, img v1.Image, attachments []recipes.Attachment, tags []string) error {
	l, err := layout.Write(dir, emptyIndex())
	if err != nil {
		return err
	}
	names := tags
	if len(names) == 0 {
		names = []string{""}
	}
	for _, tag := range names {
		if err := entry(l, img, tag); err != nil {
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

// entry writes an image and lists it in the index under its tag. A referrer
// is listed with its type and annotations, as a registry would list it
// (distribution-spec, "Listing Referrers").
func entry(l layout.Path, img v1.Image, tag string) error {
	if err := l.WriteImage(img); err != nil {
		return err
	}
	desc, err := partial.Descriptor(img)
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	desc.ArtifactType = m.ArtifactType
	if m.Subject != nil {
		desc.Annotations = maps.Clone(m.Annotations)
	}
	if tag != "" {
		desc.Annotations = map[string]string{refName: tag}
	}
	return l.AppendDescriptor(*desc)
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

// cosignTag reports whether a layout entry's name is one of cosign's tags for
// the image.
func cosignTag(tag string, image v1.Hash) bool {
	rest, ok := strings.CutPrefix(tag, image.Algorithm+"-"+image.Hex)
	return ok && strings.HasPrefix(rest, ".")
}
