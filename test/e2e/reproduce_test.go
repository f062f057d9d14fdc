//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	layertar "github.com/google/go-containerregistry/pkg/v1/tarball"
)

// reproduced is what `kiln reproduce --output json` prints.
type reproduced struct {
	Digest      string `json:"digest"`
	Rebuilt     string `json:"rebuilt"`
	Identical   bool   `json:"identical"`
	Fresh       bool   `json:"fresh"`
	SignedBy    string `json:"signedBy"`
	Differences []struct {
		Where string `json:"where"`
		What  string `json:"what"`
	} `json:"differences"`
}

// TestReproduce builds images again from what is attached to them, with an
// engine and caches that are empty, where the recipe's folder is gone.
func TestReproduce(t *testing.T) {
	for _, service := range sample([]string{"hello"}, "valkey") {
		t.Run(service, func(t *testing.T) {
			b, other := newBed(t), newBed(t)
			recipe := b.copyRecipe(t, catalog(service))
			out := b.build(t, recipe, service)
			if err := os.RemoveAll(strings.TrimSuffix(recipe, "/recipe.yaml")); err != nil {
				t.Fatal(err)
			}
			image := b.Addr + "/" + service + "@" + out.Digest
			verify := []string{"verify", image, "--key", b.pub, "--registry-ca", b.CAFile, "--rebuilder", other.pub, "--rebuilds", "1"}
			b.mustFail(t, 4, []string{"too few builders have made the same: 0 of 1, want 1"}, verify...)
			res := b.apart(t).reproduce(t, 0, image, "--sign-key", other.key)
			if !res.Identical || res.Rebuilt != out.Digest || !res.Fresh || res.SignedBy == "" {
				t.Errorf("got %+v, want the same as %s", res, out.Digest)
			}
			b.must(t, "kiln", verify...)
			testCosign(t, b, image)
		})
	}
}

// reproduce rebuilds an image whose provenance the bed's key has signed.
func (b *bed) reproduce(t *testing.T, code int, image string, flags ...string) reproduced {
	t.Helper()
	r := b.run(t, "kiln", append([]string{"reproduce", image, "--key", b.pub, "--registry-ca", b.CAFile,
		"--progress", "plain", "--output", "json"}, flags...)...)
	if r.code != code {
		t.Fatalf("kiln reproduce: exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	var res reproduced
	if err := json.Unmarshal([]byte(r.stdout), &res); err != nil {
		t.Fatalf("output of kiln reproduce: %v\n%s", err, r.stdout)
	}
	return res
}

// TestReproduceFindsPlanted: an image with something else in it than its
// provenance says, under the signature of the same key, is caught, and what is
// else is named.
func TestReproduceFindsPlanted(t *testing.T) {
	b := newBed(t)
	recipe := b.copyRecipe(t, probe)
	out := b.build(t, recipe, "probe")
	good := b.Addr + "/probe@" + out.Digest
	planted := b.plantIn(t, "probe@"+out.Digest, "usr/bin/probe")
	b.attestAs(t, good, planted)
	res := b.apart(t).reproduce(t, 4, planted)
	if res.Identical || res.Rebuilt != out.Digest || res.SignedBy != "" {
		t.Errorf("got %+v, want %s to be found out", res, planted)
	}
	if !slices.ContainsFunc(res.Differences, func(d struct {
		Where string `json:"where"`
		What  string `json:"what"`
	}) bool {
		return strings.HasSuffix(d.Where, "/usr/bin/probe .rodata") && strings.Contains(d.What, "section content: differs from byte")
	}) {
		t.Errorf("the difference is not named: %+v", res.Differences)
	}
}

// plantIn pushes the image again, to its own repository, with one word in the
// program at path changed, and returns where it is.
func (b *bed) plantIn(t *testing.T, image, path string) string {
	t.Helper()
	img := b.image(t, image)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	bare := config.DeepCopy()
	bare.RootFS.DiffIDs, bare.History = nil, nil
	planted, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, manifest.MediaType), manifest.Config.MediaType), bare)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for i, l := range layers {
		content, ok := replaceIn(t, l, path, "probe works", "probe w0rks")
		if ok {
			changed = true
			if l, err = layertar.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
				layertar.WithMediaType(manifest.Layers[i].MediaType)); err != nil {
				t.Fatal(err)
			}
		}
		if planted, err = mutate.Append(planted, mutate.Addendum{Layer: l, MediaType: manifest.Layers[i].MediaType}); err != nil {
			t.Fatal(err)
		}
	}
	if !changed {
		t.Fatalf("no layer has %s with the word to change", path)
	}
	annotated, ok := mutate.Annotations(planted, manifest.Annotations).(v1.Image)
	if !ok {
		t.Fatal("an annotated image is an image")
	}
	to := b.ref(t, image).Context().Digest(digest(t, annotated))
	if err := remote.Write(to, annotated, b.remote(t)...); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// replaceIn is the layer's tar with a text replaced in the file at path, if it
// has that.
func replaceIn(t *testing.T, l v1.Layer, path, from, to string) ([]byte, bool) {
	t.Helper()
	rc, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	found := false
	for r := tar.NewReader(rc); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == path && bytes.Contains(content, []byte(from)) {
			found, content = true, bytes.ReplaceAll(content, []byte(from), []byte(to))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), found
}

// attestAs has cosign say of the image what kiln's provenance says of another.
func (b *bed) attestAs(t *testing.T, of, image string) {
	t.Helper()
	common := []string{"--key", b.pub, "--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile}
	r := b.must(t, "cosign", append([]string{"verify-attestation", b.withoutReferrers(t, of), "--type", "slsaprovenance1"}, common...)...)
	b.must(t, "cosign", "attest", image, "--key", b.key, "--type", "https://slsa.dev/provenance/v1",
		"--predicate", writePredicate(t, r.last()), "--tlog-upload=false", "--registry-cacert", b.CAFile)
}
