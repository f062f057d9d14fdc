package push_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	inmemory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/test/registry"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// referrer is an image that refers to subject and holds text as a bundle.
func referrer(subject v1.Descriptor, text string) (v1.Image, error) {
	data, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), bundleType)
	img, err = mutate.AppendLayers(img, static.NewLayer(data, bundleType))
	if err != nil {
		return nil, err
	}
	subject = v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	referring, ok := mutate.Subject(img, subject).(v1.Image)
	if !ok {
		return nil, errors.New("not an image any more")
	}
	return referring, nil
}

func attachText(texts ...string) push.Attach {
	return func(_ context.Context, subject v1.Descriptor, _ recipes.Attached) (list []recipes.Attachment, err error) {
		for _, text := range texts {
			img, err := referrer(subject, text)
			if err != nil {
				return nil, err
			}
			list = append(list, recipes.Attachment{Image: img})
		}
		return list, nil
	}
}

type login struct{ user, password string }

func (l login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: l.user, Password: l.password}, nil
}

func ociImage(t testing.TB) v1.Image {
	t.Helper()
	img, err := random.Image(100_000, 2)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// The CNCF distribution registry, with TLS by a private CA and a password.
func TestRealRegistry(t *testing.T) {
	server := registry.Start(t, registry.Options{TLS: true, Auth: true})
	repo, err := name.NewRepository(server.Addr + "/platform/nats")
	if err != nil {
		t.Fatal(err)
	}
	r, err := push.New(push.Config{CA: server.CA, Keychain: login{server.User, server.Password}})
	if err != nil {
		t.Fatal(err)
	}
	img := ociImage(t)
	ref, err := r.Push(t.Context(), repo, img, attachText("one", "two", "three"), []string{"1.0"})
	if err != nil {
		t.Fatal(err)
	}
	found, ok, err := r.Lookup(t.Context(), repo.Tag("1.0"))
	if err != nil || !ok || found.Descriptor.Digest.String() != ref.DigestStr() {
		t.Errorf("lookup: got %v, %t, %v, want %s", found.Descriptor, ok, err, ref)
	}
	attached, err := r.Statements(t.Context(), ref)
	if err != nil || len(attached.Bundles) != 3 {
		t.Errorf("got %d bundles, %v, want 3", len(attached.Bundles), err)
	}
	if _, ok, err := r.Lookup(t.Context(), repo.Tag("2.0")); err != nil || ok {
		t.Errorf("missing tag: got %t, %v", ok, err)
	}

	stranger, err := push.New(push.Config{CA: server.CA, Keychain: login{"stranger", "guess"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.Push(t.Context(), repo, img, nil, nil)
	checkHint(t, err, "docker login "+server.Addr)
	trusting, err := push.New(push.Config{Keychain: login{server.User, server.Password}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = trusting.Push(t.Context(), repo, img, nil, nil)
	checkHint(t, err, "--registry-ca")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
}

func checkHint(t *testing.T, err error, want string) {
	t.Helper()
	var typed *push.Error
	if !errors.As(err, &typed) || !strings.Contains(typed.Hint(), want) {
		t.Errorf("got %v, want an *Error with the hint %q", err, want)
	}
}

// Credentials come from Docker's configuration where nothing else is said.
func TestDockerConfig(t *testing.T) {
	server := registry.Start(t, registry.Options{TLS: true, Auth: true})
	t.Setenv("DOCKER_CONFIG", server.DockerConfig)
	repo, err := name.NewRepository(server.Addr + "/x")
	if err != nil {
		t.Fatal(err)
	}
	r, err := push.New(push.Config{CA: server.CA})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Push(t.Context(), repo, ociImage(t), nil, []string{"1"}); err != nil {
		t.Error(err)
	}
}

// Several who attach to one image in a registry without the referrers API
// write the same tag; nothing that one of them reported as done may be lost
// to that one.
func TestConcurrentReferrers(t *testing.T) {
	server := registry.Start(t, registry.Options{})
	repo, err := name.NewRepository(server.Addr + "/x")
	if err != nil {
		t.Fatal(err)
	}
	img := ociImage(t)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			r, err := push.New(push.Config{Keychain: authn.NewMultiKeychain()})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := r.Push(t.Context(), repo, img, attachText(fmt.Sprint("by ", i)), []string{"1"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func Example() {
	server := httptest.NewServer(inmemory.New(inmemory.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing is lost
	ctx := context.Background()
	layout := filepath.Join(dir, "nats")
	attach := attachText("signed by me")
	if _, err := push.WriteLayout(ctx, layout, empty.Image, attach, []string{"1.0"}); err != nil {
		fmt.Println(err)
		return
	}

	stored, err := push.ReadLayout(layout)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := push.New(push.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/platform/nats")
	if err != nil {
		fmt.Println(err)
		return
	}
	ref, err := r.Push(ctx, repo, stored.Top, attach, stored.Tags)
	if err != nil {
		fmt.Println(err)
		return
	}
	attached, err := r.Statements(ctx, ref)
	img, isImage := stored.Top.(v1.Image)
	fmt.Println(isImage && validate.Image(img) == nil, stored.Tags, string(attached.Bundles[0].Data), err)
	// Output: true [1.0] "signed by me" <nil>
}
