// Package image composes the runtime image: the base, the packages that the
// service turns out to need, and the service itself, as a v1.Image with no
// shell, no package manager and no root user, together with the list of
// everything that is in it.
//
// It runs nothing and asks no network: packages come from the cache. What the
// service is compiled from is the business of package builder. Start at
// [Assemble].
package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/hardening"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// Format changes when the same inputs make other images. It is part of the
// build key.
const Format = "5"

// KeyAnnotation is the manifest annotation that holds the build key.
const KeyAnnotation = "io.github.kiln-build.key"

// Labels, and annotations of the manifest, of a recipe's variant.
const (
	// VariantAnnotation holds the variant's name.
	VariantAnnotation = "io.github.kiln-build.variant"
	// DebugAnnotation is "true" where the variant's image holds a shell or a
	// package manager.
	DebugAnnotation = "io.github.kiln-build.debug"
)

// Input is what an image is made of.
type Input struct {
	Recipe   *recipes.Recipe
	Lock     *recipes.Lock
	Platform string // os/arch
	// Artifacts are the files that the build left in $DESTDIR.
	Artifacts []layer.Entry
	// Lists returns dpkg's file lists of the build environment, by file name.
	// It is asked only where an artifact may need a library, or hold one.
	Lists func(context.Context) (map[string]string, error)
	// Fetch puts packages into Store.
	Fetch func(context.Context, []recipes.Package) error
	Store *blobs.Store
	Memo  memo.Dir
	// Base is the registry image that image.base names, or nil.
	Base v1.Image
	// Key is the build key.
	Key string
}

// Result is an assembled image.
type Result struct {
	Image   v1.Image
	Content recipes.Content
	// Added are the packages that the closure found a need for, by name, with
	// what needs each: "libssl.so.3 for /usr/sbin/nginx".
	Added map[string]string
	// Hardening is what protects the programs and libraries that the build
	// made, by path.
	Hardening []hardening.Binary
	// Notes are what programs of the image may open while they run and the
	// image does not hold.
	Notes []Note
	// Service are the entries of the last layer, by which its programs can
	// be read as long as what the artifacts lie in is open.
	Service []layer.Entry
}

// Assemble composes the image and checks it against the rules. A finding that
// the recipe does not allow is a [*RefusedError].
func Assemble(ctx context.Context, in Input) (*Result, error) {
	a := &assembly{Input: in, root: newTree()}
	defer a.close()
	if err := a.run(ctx); err != nil {
		return nil, fmt.Errorf("assembling image: %w", err)
	}
	return &Result{Image: a.image, Content: a.content(), Added: a.added, Hardening: a.hardening, Notes: a.notes, Service: a.own}, nil
}

type assembly struct {
	Input
	root      *tree // everything in the image so far, by path
	layers    []addition
	added     map[string]string
	notes     []Note
	owner     map[string]string // the package of each path, as far as asked for
	missed    []*NeedError      // what packages could use and the lock has not
	seeds     []recipes.Package
	debs      []*packageFiles // unpacked packages, for their files' content
	own       []layer.Entry   // the service's
	linked    []recipes.Linked
	lists     map[string]string // what Lists returned
	hardening []hardening.Binary
	image     v1.Image
	debug     bool // it holds a shell or a package manager
}

// addition is one layer with the text of its history entry.
type addition struct {
	layer *layer.Layer
	by    string
	debs  []recipes.Installed
}

func (a *assembly) close() {
	for _, d := range a.debs {
		d.close()
	}
}

func (a *assembly) run(ctx context.Context) error {
	if err := a.addBase(ctx); err != nil {
		return err
	}
	service, err := a.service()
	if err != nil {
		return err
	}
	if err := a.checkMachine(service); err != nil {
		return err
	}
	a.own = service
	for _, e := range service {
		a.root.add(e)
	}
	if err := a.addClosure(ctx); err != nil {
		return err
	}
	if err := a.note(); err != nil {
		return err
	}
	findings, err := a.inspect()
	if err != nil {
		return err
	}
	a.debug = slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Rule == recipes.RuleShell || f.Rule == recipes.RulePackageManager
	})
	weak, err := a.harden(service)
	if err != nil {
		return err
	}
	if err := Judge(a.Recipe, append(findings, weak...)); err != nil {
		return err
	}
	if err := a.link(ctx, service); err != nil {
		return err
	}
	if err := a.addLayer("service "+a.Recipe.Name+" "+a.Recipe.Version, service, nil); err != nil {
		return err
	}
	return a.compose()
}

// addLayer writes a layer, with the folders that its entries need.
func (a *assembly) addLayer(by string, entries []layer.Entry, debs []recipes.Installed) error {
	if len(entries) == 0 {
		return nil
	}
	l, err := layer.Write(a.Store, entries, layer.Gzip)
	if err != nil {
		return err
	}
	a.layers = append(a.layers, addition{layer: l, by: by, debs: debs})
	return nil
}

// compose puts the layers and the configuration together.
func (a *assembly) compose() error {
	img, err := a.start()
	if err != nil {
		return err
	}
	created := v1.Time{Time: time.Unix(a.Lock.Epoch.Seconds, 0).UTC()}
	for _, add := range a.layers {
		img, err = mutate.Append(img, mutate.Addendum{
			Layer: add.layer, MediaType: add.layer.Type,
			History: v1.History{Created: created, CreatedBy: "kiln: " + add.by},
		})
		if err != nil {
			return err
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		return err
	}
	if img, err = mutate.ConfigFile(img, a.config(file)); err != nil {
		return err
	}
	annotated, ok := mutate.Annotations(img, a.annotations()).(v1.Image)
	if !ok {
		return errors.New("annotating the manifest made something else of it")
	}
	a.image = annotated
	return nil
}

// start is the image that layers are added to.
func (a *assembly) start() (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if a.Base != nil {
		return onBase(img, a.Base)
	}
	goos, arch, _ := strings.Cut(a.Platform, "/")
	return mutate.ConfigFile(img, &v1.ConfigFile{OS: goos, Architecture: arch, RootFS: v1.RootFS{Type: "layers"}})
}

// onBase adds the base's layers, configuration and history to img, an empty
// OCI image. Docker's media types become OCI's, which name the same formats.
func onBase(img, base v1.Image) (v1.Image, error) {
	c, err := base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading base image: %w", err)
	}
	layers, err := base.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading base image: %w", err)
	}
	empty := c.DeepCopy()
	empty.History, empty.RootFS.DiffIDs = nil, nil
	if img, err = mutate.ConfigFile(img, empty); err != nil {
		return nil, err
	}
	adds := make([]mutate.Addendum, len(layers))
	for i, l := range layers {
		mt, err := l.MediaType()
		if err != nil {
			return nil, fmt.Errorf("reading base image: %w", err)
		}
		if oci := ociLayer(mt); oci != mt {
			l, mt = retype(l, oci), oci
		}
		adds[i] = mutate.Addendum{Layer: l, MediaType: mt}
	}
	return mutate.Append(img, withHistory(adds, c.History)...)
}

// withHistory spreads history over layers. One that does not fit is dropped.
func withHistory(adds []mutate.Addendum, history []v1.History) []mutate.Addendum {
	var all []mutate.Addendum
	used := 0
	for _, h := range history {
		add := mutate.Addendum{History: h}
		if !h.EmptyLayer {
			if used == len(adds) {
				return adds
			}
			add.Layer, add.MediaType = adds[used].Layer, adds[used].MediaType
			used++
		}
		all = append(all, add)
	}
	return append(all, adds[used:]...)
}

// retype is l under another media type. It keeps where a registry may mount it
// from.
func retype(l v1.Layer, mt types.MediaType) v1.Layer {
	if m, ok := l.(*remote.MountableLayer); ok {
		return &remote.MountableLayer{Layer: retyped{m.Layer, mt}, Reference: m.Reference}
	}
	return retyped{l, mt}
}

// retyped is a layer under another media type.
type retyped struct {
	v1.Layer
	mediaType types.MediaType
}

// MediaType implements v1.Layer.
func (l retyped) MediaType() (types.MediaType, error) { return l.mediaType, nil }

func ociLayer(mt types.MediaType) types.MediaType {
	switch mt {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	}
	return mt
}

// content lists everything in the image.
func (a *assembly) content() recipes.Content {
	c := recipes.Content{Linked: a.linked}
	hashed := map[string]recipes.File{}
	for _, add := range a.layers {
		c.Packages = append(c.Packages, add.debs...)
		for _, f := range add.layer.Files {
			hashed[f.Path] = f
		}
	}
	for _, e := range a.root.sorted() {
		f, ok := hashed[e.Path]
		if !ok {
			f = e.File // from the base image, hashed when it was read
		}
		c.Files = append(c.Files, f)
	}
	slices.SortFunc(c.Packages, func(x, y recipes.Installed) int { return strings.Compare(x.Name, y.Name) })
	return c
}
