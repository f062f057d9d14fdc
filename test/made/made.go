// Package made makes images for tests and benchmarks as kiln leaves them in a
// registry: with a signature, an SPDX document, provenance and test results of
// its own functions, but without an engine. What is in them is small, and says
// no more than a test is about.
//
// It is no substitute for `kiln build`. Start at [Push].
package made

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // SPDX 2.3 wants it beside SHA256
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// Image says what is to be made. The zero Image is one program that runs as an
// ordinary user, unsigned.
type Image struct {
	// Recipe is the path of the recipe that the provenance has, with its lock
	// beside it. It is needed where there is a Key.
	Recipe string
	// Key signs; nil leaves the image unsigned.
	Key *sign.Key
	// Locked is the date of the archive's indexes in the lock; zero leaves it as
	// it is.
	Locked time.Time
	// User is the configuration's; empty is 65532:65532.
	User string
	// Files are further ones, by path without a slash before it.
	Files map[string]File
	// Packages are Debian packages that the image says it has, by name, with
	// their versions, and Codename the release that it says it is of.
	Packages map[string]string
	Codename string
	// Mark makes an image differ from others.
	Mark string
}

// File is a file of an image.
type File struct {
	Text string
	Mode int64
}

const platform = "linux/amd64"

// Push makes the image and pushes it with what is attached to it.
func Push(ctx context.Context, registry *push.Registry, tag name.Tag, i Image) (v1.Hash, error) {
	img, err := i.image()
	if err != nil {
		return v1.Hash{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return v1.Hash{}, err
	}
	attach := func(context.Context, v1.Descriptor, recipes.Attached) ([]recipes.Attachment, error) { return nil, nil }
	if i.Key != nil {
		statements, err := i.statements(ctx, digest)
		if err != nil {
			return digest, fmt.Errorf("describing %s: %w", tag, err)
		}
		attach = func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
			return sign.Sign(ctx, subject, tag.Context().Name(), i.Key, statements, sign.Options{Existing: existing})
		}
	}
	_, err = registry.Push(ctx, tag.Context(), img, attach, []string{tag.TagStr()})
	return digest, err
}

// files are all that is in the image.
func (i Image) files() map[string]File {
	all := map[string]File{"usr/bin/app": {"program " + i.Mark, 0o755}}
	if i.Codename != "" {
		all["etc/os-release"] = File{"ID=debian\nVERSION_CODENAME=" + i.Codename + "\n", 0o644}
	}
	for n, version := range i.Packages {
		all["var/lib/dpkg/status.d/"+n] = File{"Package: " + n + "\nVersion: " + version + "\nArchitecture: amd64\n", 0o644}
	}
	maps.Copy(all, i.Files)
	return all
}

func (i Image) image() (v1.Image, error) {
	layer, err := layerOf(i.files())
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, _ = strings.Cut(platform, "/")
	config.Created = v1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	config.Config.User = i.User
	if i.User == "" {
		config.Config.User = "65532:65532"
	}
	return mutate.ConfigFile(img, config)
}

func layerOf(files map[string]File) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range slices.Sorted(maps.Keys(files)) {
		f := files[n]
		if err := w.WriteHeader(&tar.Header{Name: n, Typeflag: tar.TypeReg, Mode: f.Mode, Size: int64(len(f.Text))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.Text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
}

// statements are those that kiln build signs.
func (i Image) statements(ctx context.Context, digest v1.Hash) ([]sign.Statement, error) {
	r, err := recipes.Load(i.Recipe)
	if err != nil {
		return nil, err
	}
	lock, err := recipes.ReadLock(r.LockPath())
	if err != nil {
		return nil, err
	}
	for n := range lock.Archives {
		if !i.Locked.IsZero() {
			lock.Archives[n].Date = i.Locked.UTC().Format(time.RFC3339)
		}
	}
	text, err := lock.Marshal()
	if err != nil {
		return nil, err
	}
	provenance, err := sign.Provenance(sign.ProvenanceInput{
		BuilderID: "https://github.com/kiln-build/kiln/local", Kiln: "test", BuildKit: "test", Recipe: r, Lock: lock, LockText: text,
		Platform: platform, Key: hashed(string(r.Raw)), Format: "test", Local: map[string]string{"src": hashed("src")},
	})
	if err != nil {
		return nil, err
	}
	spdx, err := i.describe(ctx, r, lock, digest)
	if err != nil {
		return nil, err
	}
	tests, err := sign.TestResult(sign.TestInput{
		Recipe: "recipe.yaml", Files: map[string]string{"recipe.yaml": hashed(string(r.Raw))},
		Images: []sign.TestedImage{{Results: []recipes.TestResult{{Name: "made", Kind: "run", Status: recipes.StatusPassed}}}},
	})
	return []sign.Statement{
		{PredicateType: sign.PredicateSPDX, Predicate: spdx}, {PredicateType: sign.PredicateProvenance, Predicate: provenance},
		{PredicateType: sign.PredicateTestResult, Predicate: tests},
	}, err
}

func (i Image) describe(ctx context.Context, r *recipes.Recipe, lock *recipes.Lock, digest v1.Hash) (json.RawMessage, error) {
	content := &recipes.Content{}
	for _, n := range slices.Sorted(maps.Keys(i.Packages)) {
		content.Packages = append(content.Packages, recipes.Installed{Package: recipes.Package{
			Name: n, Version: i.Packages[n], Architecture: "amd64", Suite: r.Suite, Archive: "debian", SHA256: hashed(n),
			Path: "pool/main/" + n + ".deb",
		}})
	}
	files := i.files()
	for _, n := range slices.Sorted(maps.Keys(files)) {
		sum1 := sha1.Sum([]byte(files[n].Text)) //nolint:gosec // as above
		content.Files = append(content.Files, recipes.File{
			Path: "/" + n, Type: tar.TypeReg, Mode: files[n].Mode, Size: int64(len(files[n].Text)), Owner: recipes.OwnerService,
			SHA1: hex.EncodeToString(sum1[:]), SHA256: hashed(files[n].Text),
		})
	}
	doc, _, err := sbom.Describe(ctx, sbom.Input{Recipe: r, Lock: lock, Platform: platform, Digest: digest, Version: "test", Content: content})
	if err != nil {
		return nil, err
	}
	return sbom.Marshal(doc)
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
