package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/memo"
)

// looked is what is remembered of an image's content.
type looked struct {
	Created  time.Time
	User     string
	Platform string
	Base     string // as an annotation or label claims
	Contents image.Contents
}

// readContents looks into an image, or remembers what was seen there; then it
// asks only whether the registry still has all blobs.
func (a *auditor) readContents(ctx context.Context, i *audited) error {
	if i.Index {
		return nil
	}
	key, err := memo.Key("audit contents 1", version(), i.Digest)
	if err != nil {
		return err
	}
	seen := false
	l, err := memo.Do(a.memo, key, nil, func() (looked, error) {
		seen = true
		return a.look(ctx, i)
	})
	if err == nil && !seen {
		err = a.blobs.check(ctx, a.registry, i.place)
	}
	if err != nil {
		return err
	}
	i.see(&l)
	return nil
}

func (a *auditor) look(ctx context.Context, i *audited) (l looked, err error) {
	img, err := a.registry.Image(ctx, i.place.repo.Digest(i.Digest), v1.Platform{})
	if err != nil {
		return l, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return l, fmt.Errorf("reading configuration: %w", err)
	}
	if config.OS == "" && len(config.RootFS.DiffIDs) == 0 {
		return l, errors.New("reading configuration: it is none of an image")
	}
	l = looked{Created: config.Created.Time, User: config.Config.User}
	if p := config.Platform(); p != nil {
		l.Platform = p.String()
	}
	const base = "org.opencontainers.image.base.name"
	l.Base = config.Config.Labels[base]
	if named := i.place.found.Annotations[base]; named != "" {
		l.Base = named
	}
	contents, err := image.Examine(img)
	if err != nil {
		return l, err
	}
	l.Contents = *contents
	return l, nil
}

// see fills in what is in the image.
func (i *audited) see(l *looked) {
	i.Looked, i.contents, i.User = true, &l.Contents, l.User
	if i.Platform == "" {
		i.Platform = l.Platform
	}
	if l.Created.Unix() > 0 {
		i.Created = &l.Created
	}
	if i.Base == "" && l.Base != "" {
		i.Base, i.BaseClaimed = l.Base, true
	}
	for _, f := range l.Contents.Findings {
		i.Findings = append(i.Findings, auditedFinding(f))
	}
}
