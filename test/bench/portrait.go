package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
)

// The image to describe is one of the catalog with packages besides, so that
// it takes more than 100 MB in a registry.
const (
	large         = "verdaccio"
	largePackages = "[python3, openjdk-21-jre-headless]"
)

// portrait is an image to describe.
type portrait struct {
	*kiln
	dir, recipe string
	// image is an OCI layout with nothing but the image, and told the file
	// with what that does not say.
	image, told string
	megabytes   float64
	files       int
}

// newPortrait builds the image, lays it out for all, and makes sure that
// [describe] finds in it what the signed document has.
func newPortrait(ctx context.Context, k *kiln) (*portrait, error) {
	p := &portrait{kiln: k, dir: filepath.Join(k.dir, "sbom")}
	p.recipe, p.image, p.told = filepath.Join(p.dir, large, "recipe.yaml"), filepath.Join(p.dir, "image.oci"), filepath.Join(p.dir, "told.json")
	if err := p.writeRecipe(); err != nil {
		return nil, err
	}
	if err := p.kiln.kiln(ctx, "lock", p.recipe); err != nil {
		return nil, err
	}
	if _, err := p.build(ctx); err != nil {
		return nil, err
	}
	signed, err := p.layOut()
	if err != nil {
		return nil, err
	}
	if err := p.tell(signed); err != nil {
		return nil, err
	}
	if _, err := p.fromImage(ctx); err != nil {
		return nil, err
	}
	return p, p.compare(signed)
}

// built is the layout that kiln build writes, and document the file that
// describe does.
func (p *portrait) built() string    { return filepath.Join(p.dir, large+".oci") }
func (p *portrait) document() string { return filepath.Join(p.dir, "kiln.json") }

func (p *portrait) writeRecipe() error {
	if err := os.CopyFS(filepath.Dir(p.recipe), os.DirFS(filepath.Join(p.root, "recipes/catalog", large))); err != nil {
		return err
	}
	text, err := os.ReadFile(p.recipe)
	if err != nil {
		return err
	}
	const base = "\n  base: node\n"
	recipe, _, _ := strings.Cut(string(text), "\ntests:")
	if !strings.Contains(recipe, base) {
		return fmt.Errorf("the recipe of %s is not on the base node", large)
	}
	recipe = strings.Replace(recipe, base, base+"  packages: "+largePackages+"\n", 1)
	return os.WriteFile(p.recipe, []byte(recipe+"\n"), 0o644)
}

// layOut writes the image alone, and returns the document that was signed.
func (p *portrait) layOut() ([]byte, error) {
	stored, err := push.ReadLayout(p.built())
	if err != nil {
		return nil, err
	}
	img, ok := stored.Top.(v1.Image)
	if !ok {
		return nil, errors.New("kiln built no single image")
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	p.megabytes = float64(m.Config.Size) / 1e6
	for _, l := range m.Layers {
		p.megabytes += float64(l.Size) / 1e6
	}
	to, err := layout.Write(p.image, empty.Index)
	if err != nil {
		return nil, err
	}
	if err := to.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"})); err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	signed := sign.Unverified(digest, stored.Attached(digest), sign.PredicateSPDX)
	if len(signed) != 1 {
		return nil, fmt.Errorf("kiln attached %d SPDX documents, want 1", len(signed))
	}
	return signed[0].Predicate, nil
}

// tell writes what the document knows of the image and the image does not.
func (p *portrait) tell(signed []byte) error {
	var doc spdx
	if err := json.Unmarshal(signed, &doc); err != nil {
		return err
	}
	p.files = len(doc.Files)
	t := told{Recipe: p.recipe, Repository: large, Owners: doc.owners()}
	for _, c := range doc.CreationInfo.Creators {
		if v, ok := strings.CutPrefix(c, "Tool: kiln-"); ok {
			t.Version = v
		}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return os.WriteFile(p.told, text, 0o644)
}

// compare makes sure that describe wrote what was signed, as far as files and
// packages go.
func (p *portrait) compare(signed []byte) error {
	text, err := os.ReadFile(p.document())
	if err != nil {
		return err
	}
	want, err := elements(signed)
	if err != nil {
		return err
	}
	got, err := elements(text)
	if err != nil {
		return err
	}
	if !maps.Equal(want, got) {
		return fmt.Errorf("%s has other files or packages than the document that kiln build signed", p.document())
	}
	return nil
}
