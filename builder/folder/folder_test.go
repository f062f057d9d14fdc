package folder

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// service is a recipe with two local sources, one of them above its folder, and
// a structure test.
func service(t testing.TB) *recipes.Recipe {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"recipe/src/main.go": "package main", "recipe/src/run.sh": "#!/bin/sh", "recipe/src/.env": "PASSWORD=s3cret",
		"shared/lib.go": "package lib", "recipe/tests/image.yaml": "schemaVersion: 2.0.0\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(file), 0o700))
		check(t, os.WriteFile(file, []byte(text), 0o600))
	}
	check(t, os.Chmod(filepath.Join(dir, "recipe/src/run.sh"), 0o700))
	check(t, os.Symlink("main.go", filepath.Join(dir, "recipe/src/link.go")))
	return &recipes.Recipe{
		File: filepath.Join(dir, "recipe", "recipe.yaml"),
		Sources: []recipes.Source{
			{Local: &recipes.LocalSource{Path: "src", Ignore: []string{".env"}}}, {Go: "example.org/m@v1.0.0"},
			{Local: &recipes.LocalSource{Path: "../shared"}},
		},
		Tests: []recipes.Test{{StructureTest: "tests/image.yaml", StructureText: []byte("schemaVersion: 2.0.0\n")}},
	}
}

func treesOf(t testing.TB, r *recipes.Recipe) map[int]string {
	t.Helper()
	trees := map[int]string{}
	for i, s := range r.Sources {
		if s.Local == nil {
			continue
		}
		dir := filepath.Join(filepath.Dir(r.File), s.Local.Path)
		files, err := recipes.Local(dir, s.Local.Ignore)
		check(t, err)
		trees[i], err = recipes.TreeDigest(t.Context(), dir, files)
		check(t, err)
	}
	return trees
}

func pack(t testing.TB, r *recipes.Recipe) *layer.Layer {
	t.Helper()
	store, err := blobs.Open(t.TempDir())
	check(t, err)
	l, err := Pack(t.Context(), r, treesOf(t, r), store)
	check(t, err)
	return l
}

// What is unpacked has the digests of what was packed, without what the source
// ignores.
func TestPackAndUnpack(t *testing.T) {
	r := service(t)
	l := pack(t, r)
	for range 25 {
		if again := pack(t, r); again.Blob != l.Blob {
			t.Fatalf("the same folder packs to %s and %s", l.Blob, again.Blob)
		}
	}
	dir := t.TempDir()
	blob, err := l.Compressed()
	check(t, err)
	defer blob.Close()
	check(t, Unpack(blob, dir))
	restored := &recipes.Recipe{File: filepath.Join(dir, Recipe, "recipe.yaml"), Sources: []recipes.Source{
		{Local: &recipes.LocalSource{Path: "../" + SourceFolder(0)}}, {}, {Local: &recipes.LocalSource{Path: "../" + SourceFolder(2)}},
	}}
	want, got := treesOf(t, r), treesOf(t, restored)
	if len(want) != 2 || want[0] != got[0] || want[2] != got[2] {
		t.Errorf("got trees %v, want %v", got, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, Recipe, "tests/image.yaml"))
	if err != nil || string(text) != "schemaVersion: 2.0.0\n" {
		t.Errorf("the structure test is %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, SourceFolder(0), ".env")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the source ignores was kept: %v", err)
	}
}

func TestPackRefuses(t *testing.T) {
	store, err := blobs.Open(t.TempDir())
	check(t, err)
	changed := service(t)
	trees := treesOf(t, changed)
	check(t, os.WriteFile(filepath.Join(filepath.Dir(changed.File), "src/main.go"), []byte("package evil"), 0o600))
	if _, err := Pack(t.Context(), changed, trees, store); err == nil || !strings.Contains(err.Error(), "changed during the build") {
		t.Errorf("a source that changed: %v", err)
	}
	secret := service(t)
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 64) + "\n-----END PRIVATE KEY-----\n"
	check(t, os.WriteFile(filepath.Join(filepath.Dir(secret.File), "src/tls.pem"), []byte(key), 0o600))
	if _, err := Pack(t.Context(), secret, treesOf(t, secret), store); !errors.Is(err, ErrSecret) || !strings.Contains(err.Error(), "tls.pem") {
		t.Errorf("a private key: %v", err)
	}
	none := &recipes.Recipe{File: secret.File, Sources: []recipes.Source{{Go: "example.org/m@v1.0.0"}}}
	if l, err := Pack(t.Context(), none, nil, store); l != nil || err != nil {
		t.Errorf("nothing to keep: got %v, %v", l, err)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"above":            {{Name: "../out", Typeflag: tar.TypeReg, Size: 1}},
		"absolute":         {{Name: "/../../out", Typeflag: tar.TypeReg, Size: 1}},
		"through a link":   {{Name: "sources", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "sources/out", Typeflag: tar.TypeReg, Size: 1}},
		"a link as recipe": {{Name: Recipe + "/recipe.yaml", Typeflag: tar.TypeSymlink, Linkname: "/nowhere"}},
		"a link as source": {{Name: SourceFolder(0), Typeflag: tar.TypeSymlink, Linkname: ".."}},
		"a device":         {{Name: "null", Typeflag: tar.TypeChar}},
		"one over another": {{Name: "a", Typeflag: tar.TypeReg, Size: 1}, {Name: "a", Typeflag: tar.TypeReg, Size: 1}},
		"too much":         {{Name: "a", Typeflag: tar.TypeReg, Size: maxBytes + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			w := tar.NewWriter(z)
			for _, h := range headers {
				check(t, w.WriteHeader(&h))
				if h.Size == 1 {
					_, err := w.Write([]byte("x"))
					check(t, err)
				}
			}
			w.Flush() //nolint:errcheck // one of them is too short on purpose
			check(t, z.Close())
			top := t.TempDir()
			dir := filepath.Join(top, "in")
			check(t, os.Mkdir(dir, 0o700))
			if err := Unpack(&b, dir); err == nil {
				t.Error("no error")
			}
			if _, err := os.Stat(filepath.Join(top, "out")); err == nil {
				t.Error("it wrote outside of its folder")
			}
		})
	}
	if err := Unpack(strings.NewReader("no archive"), t.TempDir()); err == nil {
		t.Error("no archive: no error")
	}
}

func TestArtifact(t *testing.T) {
	l := pack(t, service(t))
	subject := v1.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 7, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}}
	img, err := Artifact(l, subject)
	check(t, err)
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Error(err)
	}
	m, err := img.Manifest()
	check(t, err)
	if m.ArtifactType != ArtifactType || m.Subject == nil || m.Subject.Digest != subject.Digest || m.Layers[0].Digest != l.Blob {
		t.Errorf("got manifest %+v", m)
	}
	layers, err := img.Layers()
	check(t, err)
	rc, err := layers[0].Compressed()
	check(t, err)
	defer rc.Close()
	if n, err := io.Copy(io.Discard, rc); err != nil || n != l.Bytes {
		t.Errorf("read %d bytes, %v, want %d", n, err, l.Bytes)
	}
}

func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	check(f, w.WriteHeader(&tar.Header{Name: "sources/0/main.go", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644}))
	_, err := w.Write([]byte("x"))
	check(f, err)
	check(f, w.WriteHeader(&tar.Header{Name: "sources/0/link", Typeflag: tar.TypeSymlink, Linkname: "../../.."}))
	check(f, w.Close())
	check(f, z.Close())
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, archive []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "in")
		check(t, os.Mkdir(dir, 0o700))
		Unpack(bytes.NewReader(archive), dir) //nolint:errcheck // whatever it says, it stays inside
		if list, err := os.ReadDir(top); err != nil || len(list) != 1 {
			t.Errorf("outside of the folder: %v, %v", list, err)
		}
	})
}
