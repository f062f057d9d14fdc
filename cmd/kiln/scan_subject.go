package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
)

// Kinds of what is scanned.
const (
	kindImage  = "image"
	kindSBOM   = "sbom"
	kindRecipe = "recipe"
)

// subject is what is to be scanned: an image for a platform, a document, or a
// recipe for a platform.
type subject struct {
	scanned
	inventory scan.Inventory
	// statements are those that come with it.
	statements []scan.Statement
	// image is what statements about it are about; nil for a document.
	image *vex.Image
	// recipe and lock are those of a recipe.
	recipe *recipes.Recipe
	lock   *recipes.Lock
}

// scanSubjects finds out what the argument is: a path that is there, or else an
// image in a registry.
func scanSubjects(c *cli.Context) ([]*subject, error) {
	arg := c.Args().First()
	fi, err := os.Stat(arg)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist) && filepath.IsAbs(arg):
		return nil, fmt.Errorf("scanning: %w", err)
	case err != nil:
		return scanRegistry(c, arg)
	case fi.IsDir() && isFile(filepath.Join(arg, "oci-layout")):
		return scanLayout(c, arg)
	case fi.IsDir(), slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(arg)):
		return scanRecipe(c, arg)
	}
	return scanDocument(arg)
}

func scanDocument(file string) ([]*subject, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("scanning: %w", err)
	}
	in, err := scan.ReadDocument(text)
	if err != nil {
		return nil, withHint{fmt.Errorf("scanning %s: %w", file, err), "an SBOM is an SPDX 2 document in JSON, and a recipe has the extension .yaml"}
	}
	return []*subject{{scanned: scanned{Target: file, Kind: kindSBOM, file: file}, inventory: in}}, nil
}

// scanRecipe takes what the lock names, for each platform.
func scanRecipe(c *cli.Context, file string) ([]*subject, error) {
	r, err := loadRecipe(file)
	if err != nil {
		return nil, err
	}
	l, err := fittingLock(r)
	if err != nil {
		return nil, err
	}
	platforms, err := choosePlatforms(c, r)
	if err != nil {
		return nil, err
	}
	statements, err := r.ReadVEX()
	if err != nil {
		return nil, err
	}
	var list []*subject
	for _, p := range platforms {
		in, err := scan.OfLock(r, l, p)
		if err != nil {
			return nil, err
		}
		s := &subject{
			scanned:   scanned{Target: r.File, Kind: kindRecipe, Platform: p, file: r.File},
			inventory: in, image: &vex.Image{Name: r.Name, Service: servicePURLs(l)}, recipe: r, lock: l,
		}
		if statements != nil {
			s.statements = vex.Statements(statements)
		}
		list = append(list, s)
	}
	return list, nil
}

func scanRegistry(c *cli.Context, arg string) ([]*subject, error) {
	ref, err := name.ParseReference(arg)
	if err != nil {
		return nil, withHint{usagef("kiln scan: %s is no file, and no image: %w", arg, err), "want an image, an OCI layout's folder, an SPDX file, or a recipe"}
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return nil, err
	}
	found, ok, err := registry.Lookup(c.Context, ref)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("scanning %s: the registry has no such image", ref)
	}
	repo := ref.Context()
	return scanImages(c, found, repo.Name(), func(ctx context.Context, d v1.Hash) (recipes.Attached, error) {
		return registry.Statements(ctx, repo.Digest(d.String()))
	})
}

func scanLayout(c *cli.Context, dir string) ([]*subject, error) {
	stored, err := push.ReadLayout(dir)
	if err != nil {
		return nil, err
	}
	found, err := stored.Found()
	if err != nil {
		return nil, err
	}
	return scanImages(c, found, dir, func(_ context.Context, d v1.Hash) (recipes.Attached, error) {
		return stored.Attached(d), nil
	})
}

// scanImages takes the image, or those that an index lists.
func scanImages(c *cli.Context, found push.Found, target string, read reader) ([]*subject, error) {
	images := []v1.Descriptor{found.Descriptor}
	if len(found.Manifests) > 0 {
		images = found.Manifests
	}
	wanted := c.StringSlice("platform")
	var list []*subject
	for _, d := range images {
		s := &subject{scanned: scanned{Target: target + "@" + d.Digest.String(), Kind: kindImage, Digest: d.Digest.String()}}
		if d.Platform != nil {
			s.Platform = d.Platform.String()
		}
		if len(wanted) > 0 && !slices.Contains(wanted, s.Platform) {
			continue
		}
		if err := s.readImage(c, d.Digest, target, read); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, usagef("--platform: %s has no image for %v", target, wanted)
	}
	return list, nil
}

// readImage reads the SBOM and the VEX that are attached to an image: what the
// key signed, or else the SBOM alone, as anyone can have written it.
func (s *subject) readImage(c *cli.Context, digest v1.Hash, target string, read reader) error {
	attached, err := read(c.Context, digest)
	if err != nil {
		return err
	}
	documents := sign.Unverified(digest, attached, sign.PredicateSPDX)
	if saysIdentity(c) {
		who, err := identity(c)
		if err != nil {
			return err
		}
		report, err := sign.Verify(c.Context, digest, attached, who, []string{sign.PredicateSPDX})
		if err != nil {
			return err
		}
		s.Verified = true
		document, _ := report.Statement(sign.PredicateSPDX)
		documents = []sign.Statement{document}
		s.image = &vex.Image{Name: filepath.Base(target), Repository: target, Digest: digest.String(), Platform: s.Platform}
		if s.statements, err = attachedVEX(report.Statements, s.image); err != nil {
			return fmt.Errorf("scanning %s: %w", s.Target, err)
		}
	}
	switch len(documents) {
	case 0:
		return withHint{fmt.Errorf("scanning %s: no SPDX document is attached to it", s.Target), "kiln attaches one to each image that it builds; an SBOM in a file can be scanned as well"}
	case 1:
	default:
		return withHint{fmt.Errorf("scanning %s: %d different SPDX documents are attached to it", s.Target, len(documents)), "--key FILE says whose counts"}
	}
	if s.inventory, err = scan.ReadDocument(documents[0].Predicate); err != nil {
		return fmt.Errorf("scanning %s: %w", s.Target, err)
	}
	return nil
}
