package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/folder"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
)

// publish signs what was made and puts it where it belongs.
func (b *build) publish(ctx context.Context, made goods, res *result) error {
	who, err := b.signer.who(ctx)
	if err != nil {
		return err
	}
	res.SignedBy = who.String()
	attach := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		list, err := b.signer.sign(ctx, subject, b.target.repository(), made.statements[subject.Digest], existing)
		if err != nil || b.folder == nil {
			return list, err
		}
		kept, err := folder.Artifact(b.folder, subject)
		return append(list, recipes.Attachment{Image: kept}), err
	}
	err = b.target.put(ctx, made.top, attach)
	b.uploads.clear()
	if err != nil {
		return err
	}
	return b.remember(res)
}

// keepFolder makes the archive of what the recipe takes from its own folder,
// unless that holds what not everyone may see who has the image.
func (b *build) keepFolder(ctx context.Context) error {
	if b.noSources {
		return nil
	}
	var err error
	b.folder, err = folder.Pack(ctx, b.recipe, b.trees, b.store)
	if errors.Is(err, folder.ErrSecret) {
		b.say("note: the local sources are not kept beside the image, so nobody else can reproduce it: %v; `ignore` leaves it out of a source", err)
		return nil
	}
	return err
}

// loadImage loads the image that this machine can run, or else the only one.
func (b *build) loadImage(ctx context.Context, jobs []*job, res *result) error {
	if !b.load {
		return nil
	}
	img := jobs[0].image
	for _, j := range jobs {
		if j.platform == machinePlatform {
			img = j.image
		}
	}
	tag, err := name.NewTag(b.recipe.Name + ":" + b.recipe.Tag())
	if t, ok := b.target.(*registryTarget); ok {
		tag, err = t.repo.Tag(t.tags[0]), nil
	}
	if err != nil {
		return fmt.Errorf("loading image: %w", err)
	}
	where, err := push.Load(ctx, img, tag)
	if err == nil {
		res.Loaded = where + " " + tag.Name()
	}
	return err
}
