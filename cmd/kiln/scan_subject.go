package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

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
	// shelf is where an image lies, and manifest the image.
	shelf    *shelf
	manifest v1.Descriptor
	// recipe and lock are those of a recipe.
	recipe *recipes.Recipe
	lock   *recipes.Lock
}

// scanSubjects finds out what the argument is: a path that is there, or else an
// image in a registry.
func scanSubjects(c *cli.Context, who *sign.Identity) ([]*subject, error) {
	arg := c.Args().First()
	fi, err := os.Stat(arg)
	switch {
	case err != nil && (filepath.IsAbs(arg) || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(arg))):
		return nil, fmt.Errorf("scanning: %w", err) // nor is it asked of a registry
	case err != nil, isLayout(arg):
		return scanImages(c, arg, who)
	case who != nil:
		return nil, usagef("--key and --certificate-identity: %s is a file, which nobody has signed", arg)
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

// scanImages takes the image, or those that an index lists.
func scanImages(c *cli.Context, arg string, who *sign.Identity) ([]*subject, error) {
	at, err := findImage(c, arg)
	if err != nil {
		return nil, err
	}
	images := []v1.Descriptor{at.found.Descriptor}
	if len(at.found.Manifests) > 0 {
		images = at.listed()
	}
	wanted := c.StringSlice("platform")
	var list []*subject
	for _, d := range images {
		s := &subject{scanned: scanned{Target: at.target(d.Digest), Kind: kindImage, Digest: d.Digest.String()}, shelf: at, manifest: d}
		if d.Platform != nil {
			s.Platform = d.Platform.String()
		}
		if len(wanted) > 0 && !slices.Contains(wanted, s.Platform) {
			continue
		}
		if err := s.readImage(c.Context, who); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, usagef("--platform: %s has no image for %v", arg, wanted)
	}
	return list, nil
}

// target names an image of the shelf by its digest.
func (s *shelf) target(digest v1.Hash) string {
	return cmp.Or(s.repository, s.name) + "@" + digest.String()
}

// readImage reads the SBOM and the VEX that are attached to an image: what who
// signed, or else the SBOM alone, as anyone can have written it.
func (s *subject) readImage(ctx context.Context, who *sign.Identity) error {
	text, statements, err := s.shelf.billed(ctx, s.manifest.Digest, who)
	if err != nil {
		return err
	}
	if s.inventory, err = scan.ReadDocument(text); err != nil {
		return fmt.Errorf("scanning %s: %w", s.Target, err)
	}
	if who == nil {
		return nil
	}
	s.Verified, s.image = true, s.shelf.vexImage(s.manifest.Digest, s.Platform)
	if s.statements, err = attachedVEX(statements, s.image); err != nil {
		return fmt.Errorf("scanning %s: %w", s.Target, err)
	}
	return nil
}

// vexImage is an image of the shelf as statements name it.
func (s *shelf) vexImage(digest v1.Hash, platform string) *vex.Image {
	return &vex.Image{Name: path.Base(cmp.Or(s.repository, s.name)), Repository: s.repository, Digest: digest.String(), Platform: platform}
}
