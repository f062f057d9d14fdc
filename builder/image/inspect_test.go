package image

import (
	"archive/tar"
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kiln-build/kiln/recipes"
)

// imageOf is an image with one layer; texts are what its files hold, by name.
func imageOf(t *testing.T, headers []tar.Header, texts map[string]string) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Size = int64(len(texts[h.Name]))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, texts[h.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// An image of anybody's is judged by what is in it.
func TestInspect(t *testing.T) {
	img := imageOf(t, []tar.Header{
		{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755}, {Name: "bin/sh", Typeflag: tar.TypeLink, Linkname: "bin/busybox"},
		{Name: "bin/su", Typeflag: tar.TypeReg, Mode: 0o4755}, {Name: "usr/bin/app", Typeflag: tar.TypeReg, Mode: 0o755},
		{Name: "srv", Typeflag: tar.TypeDir, Mode: 0o777}, {Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
	}, nil)
	img, err := mutate.Config(img, v1.Config{User: "root", Env: []string{"API_TOKEN=x"}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := Inspect(img)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.Rule+" "+f.Path)
	}
	slices.Sort(got)
	want := []string{"env-secret API_TOKEN", "root-user config.User", "setuid /bin/su", "shell /bin/busybox", "shell /bin/sh", "world-writable /srv"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInspectUser(t *testing.T) {
	const accounts = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/false\nadmin:x:1001:0::/:/bin/false\nshort:x:1002\n"
	for user, root := range map[string]bool{
		"1000": false, "01000": false, "1001": true, "1002": true, "1001:1001": false,
		"": true, "root": true, "0": true, "00:5": true, "nobody": true, "65532": true, "65532:65532": false, "65532:0": true, "1:": true, "-1": true, "65532:root": true, "65532:users": true,
	} {
		found := inspectConfigured(user, accounts)
		if got := len(found) > 0; got != root {
			t.Errorf("%q: got %v", user, found)
		}
		for _, f := range found {
			if f.Rule != recipes.RuleRootUser {
				t.Errorf("%q: got rule %s", user, f.Rule)
			}
		}
	}
}
