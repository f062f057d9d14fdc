package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/inputs"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func offlineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "offline", Usage: "use no network but that of the registries that are named"},
		&cli.StringFlag{Name: "inputs", Usage: "build from the artifact that kiln vendor made: `IMAGE`, or the folder of an OCI layout"},
		&cli.StringFlag{Name: "inputs-key", Usage: "public key `FILE` that must have signed the inputs (default: who the build signs as)"},
	}
}

// offline is a transport that goes nowhere.
type offline struct{}

func (offline) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, withHint{
		fmt.Errorf("%s is not there, and --offline forbids to fetch it", r.URL.Redacted()),
		"`kiln vendor` collects the inputs where there is network; build from them with --inputs",
	}
}

// fill verifies the artifact that --inputs names, holds it against the lock,
// and puts what it holds where a build looks first.
func (b *build) fill(ctx context.Context) error {
	if b.inputs == "" {
		return nil
	}
	img, attached, err := b.openInputs(ctx)
	if err != nil {
		return err
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	who, err := b.inputsIdentity(ctx)
	if err != nil {
		return err
	}
	if _, err := sign.Verify(ctx, digest, attached, who, []string{sign.PredicateSignature}); err != nil {
		return fmt.Errorf("verifying inputs %s: %w", b.inputs, err)
	}
	set, err := inputs.Read(img)
	if err != nil {
		return fmt.Errorf("%s: %w", b.inputs, err)
	}
	if err := b.checkInputs(set); err != nil {
		return err
	}
	if err := inputs.Fill(b.store, img, set); err != nil {
		return fmt.Errorf("%s: %w", b.inputs, err)
	}
	return b.adopt(set)
}

// openInputs reads the artifact from a folder, if that is what is there, or a
// registry.
func (b *build) openInputs(ctx context.Context) (v1.Image, recipes.Attached, error) {
	dir, want, err := layoutOf(b.inputs)
	if err != nil {
		return nil, recipes.Attached{}, err
	}
	if dir != "" {
		stored, found, err := readLayout(dir, want)
		if err != nil {
			return nil, recipes.Attached{}, err
		}
		img, ok := stored.Top.(v1.Image)
		if !ok {
			return nil, recipes.Attached{}, fmt.Errorf("reading inputs: %s is no artifact of kiln vendor", dir)
		}
		return img, stored.Attached(found.Descriptor.Digest), nil
	}
	ref, err := name.ParseReference(b.inputs)
	if err != nil {
		return nil, recipes.Attached{}, usagef("--inputs: %w", err)
	}
	found, ok, err := b.registry.Lookup(ctx, ref)
	if err != nil {
		return nil, recipes.Attached{}, err
	}
	if !ok {
		return nil, recipes.Attached{}, fmt.Errorf("reading inputs: there is no folder and no image %s", b.inputs)
	}
	at := ref.Context().Digest(found.Descriptor.Digest.String())
	img, err := b.registry.Image(ctx, at, v1.Platform{})
	if err != nil {
		return nil, recipes.Attached{}, err
	}
	attached, err := b.registry.Statements(ctx, at)
	return img, attached, err
}

func (b *build) inputsIdentity(ctx context.Context) (sign.Identity, error) {
	if b.inputsSigner == "" {
		return b.signer.who(ctx)
	}
	key, err := publicKey(ctx, b.inputsSigner)
	return sign.Identity{Key: key}, err
}

func (b *build) checkInputs(set *inputs.Set) error {
	again := "`kiln vendor " + b.recipe.File + "` collects them where there is network"
	if missing := set.Missing(b.lock); len(missing) > 0 {
		return withHint{fmt.Errorf("%s lacks what the lock of %s names: %s", b.inputs, b.recipe.Title(), strings.Join(missing, ", ")), again}
	}
	return nil
}

// adopt makes the Go modules that were filled in findable by what a build looks
// for. All else is found by its digest.
func (b *build) adopt(set *inputs.Set) error {
	modules := b.env.modules(b.store)
	for _, e := range set.Entries {
		if e.Kind != inputs.KindGo {
			continue
		}
		err := errors.New("the lock has no such module")
		for _, s := range b.lock.Sources {
			if s.Kind == recipes.KindGo && s.Sum == e.Name {
				err = modules.Adopt(s.Name, s.Version, s.Sum, e.Digest.Hex)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %s %s: %w", b.inputs, e.Kind, e.Name, err)
		}
	}
	return nil
}
