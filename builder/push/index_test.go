package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/recipes"
)

// index is one of two images.
func index(t *testing.T) v1.ImageIndex {
	t.Helper()
	source := &counter{}
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := random.Image(1000, 2, random.WithSource(source))
		if err != nil {
			t.Fatal(err)
		}
		file, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		file = file.DeepCopy()
		file.OS, file.Architecture = "linux", arch
		if img, err = mutate.ConfigFile(img, file); err != nil {
			t.Fatal(err)
		}
		img = mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: arch},
		}})
	}
	annotated, _ := mutate.Annotations(idx, map[string]string{"dev.kiln.key": "abc"}).(v1.ImageIndex)
	return annotated
}

// digests are those of the images and then that of the index.
func digests(t *testing.T, top Manifest) []string {
	t.Helper()
	all, err := manifests(top)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range all {
		d, err := m.Digest()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d.String())
	}
	return list
}

func TestPushIndex(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		t.Run(fmt.Sprintf("referrers API %t", referrers), func(t *testing.T) {
			s, idx := newServer(t, referrers), index(t)
			r, repo := fast(t, Config{}), s.repo(t, "platform/nats")
			ref, err := r.Push(t.Context(), repo, idx, attachTwo, []string{"1.0", "latest"})
			if err != nil {
				t.Fatal(err)
			}
			checkTagsLast(t, s.take(), "1.0", "latest")
			want := digests(t, idx)
			if ref.DigestStr() != want[2] {
				t.Errorf("got %s, want the index, %s", ref.DigestStr(), want[2])
			}
			for _, d := range want {
				checkAttached(t, r, repo.Digest(d))
			}
			found, ok, err := r.Lookup(t.Context(), repo.Tag("1.0"))
			if err != nil || !ok || found.Annotations["dev.kiln.key"] != "abc" || len(found.Manifests) != 2 {
				t.Fatalf("got %+v, %t, %v, want the index with its annotation", found, ok, err)
			}
			for i, arch := range []string{"amd64", "arm64"} {
				d := found.Manifests[i]
				if d.Digest.String() != want[i] || d.Platform.String() != "linux/"+arch {
					t.Errorf("got %+v, want %s for %s", d, want[i], arch)
				}
			}
			s.take()
			if _, err := fast(t, Config{}).Push(t.Context(), repo, idx, attachTwo, []string{"1.0"}); err != nil {
				t.Fatal(err)
			}
			writes := slices.DeleteFunc(s.take(), func(r string) bool { return !strings.HasPrefix(r, "P") })
			if want := []string{"PUT /v2/platform/nats/manifests/1.0"}; !cmp.Equal(want, writes) {
				t.Errorf("second push: %s", cmp.Diff(want, writes))
			}
		})
	}
}

// What cannot be attached to one platform's image, or is lost again, leaves
// the whole without a tag.
func TestPushIndexFails(t *testing.T) {
	idx := index(t)
	all := digests(t, idx)
	noKey := errors.New("no key")
	for i, which := range []string{"first image", "second image", "index"} {
		s := newServer(t, true)
		_, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "platform/nats"), idx,
			func(ctx context.Context, d v1.Descriptor, have recipes.Attached) ([]recipes.Attachment, error) {
				if d.Digest.String() == all[i] {
					return nil, noKey
				}
				return attachTwo(ctx, d, have)
			}, []string{"1.0"})
		if !errors.Is(err, noKey) || !strings.Contains(err.Error(), all[i]) {
			t.Errorf("%s: got %v, want %v of %s", which, err, noKey, all[i])
		}
		checkUntagged(t, s)
		s = newServer(t, true)
		s.breakWith(func(w http.ResponseWriter, req *http.Request) bool {
			lost := req.Method == http.MethodHead && strings.HasSuffix(req.URL.Path, all[i]) && slices.ContainsFunc(s.requests, func(r string) bool {
				return strings.HasPrefix(r, "PUT") && strings.HasSuffix(r, all[2])
			})
			if lost {
				w.WriteHeader(http.StatusNotFound)
			}
			return lost
		})
		if _, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "platform/nats"), idx, attachTwo, []string{"1.0"}); err == nil {
			t.Errorf("%s: the registry lost it, and the push succeeds", which)
		}
		checkUntagged(t, s)
	}
}

func checkUntagged(t *testing.T, s *server) {
	t.Helper()
	if requests := s.take(); slices.Contains(requests, "PUT /v2/platform/nats/manifests/1.0") {
		t.Errorf("a push that failed has left a tag: %q", requests)
	}
}

func TestPushRefusesNestedIndex(t *testing.T) {
	nested := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: index(t)})
	s := newServer(t, true)
	if _, err := fast(t, Config{}).Push(t.Context(), s.repo(t, "platform/nats"), nested, nil, []string{"1.0"}); err == nil {
		t.Error("an index of indexes is taken")
	}
	if got := s.take(); len(got) != 0 {
		t.Errorf("requests: %q", got)
	}
}

func TestLayoutIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	idx := index(t)
	all := digests(t, idx)
	for range 2 {
		desc, err := WriteLayout(t.Context(), dir, idx, attachTwo, []string{"1.0", "latest"})
		if err != nil || desc.Digest.String() != all[2] || desc.MediaType != types.OCIImageIndex {
			t.Fatalf("got %v, %v, want the index %s", desc, err, all[2])
		}
	}
	stored, err := ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	top, ok := stored.Top.(v1.ImageIndex)
	if !ok {
		t.Fatalf("got a %T, want an index", stored.Top)
	}
	if err := validate.Index(top); err != nil {
		t.Errorf("index: %v", err)
	}
	if diff := cmp.Diff([]string{"1.0", "latest"}, stored.Tags); diff != "" {
		t.Errorf("tags: %s", diff)
	}
	if got := len(stored.Attachments); got != 9 {
		t.Errorf("got %d attachments, want three for each manifest", got)
	}
	s := newServer(t, false)
	r, repo := fast(t, Config{}), s.repo(t, "platform/nats")
	if _, err := r.Push(t.Context(), repo, stored.Top, attachTwo, stored.Tags); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		hash, _ := v1.NewHash(d)
		if got := stored.Attached(hash); len(got.Bundles) != 2 || got.Signatures == nil {
			t.Errorf("%s: got %+v, want two bundles and a signature", d, got)
		}
		checkAttached(t, r, repo.Digest(d))
	}
	// Another image in its place keeps nothing of it.
	if _, err := WriteLayout(t.Context(), dir, image(t), nil, nil); err != nil {
		t.Fatal(err)
	}
	if stored, err = ReadLayout(dir); err != nil || len(stored.Attachments) != 0 {
		t.Errorf("got %d attachments, %v, want none", len(stored.Attachments), err)
	}
}
