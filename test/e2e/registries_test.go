//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	inmemory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/test/registry"
)

// Whatever a registry knows of referrers: what several kilns attach to one
// image at once is all there afterwards, in both forms, and cosign verifies it.
func TestSigningInRegistries(t *testing.T) {
	for kind, start := range map[string]func(*testing.T) string{
		"CNCF distribution": func(t *testing.T) string { return registry.Start(t, registry.Options{}).Addr },
		"Debian's docker-registry": func(t *testing.T) string {
			return registry.Start(t, registry.Options{Program: program("docker-registry")}).Addr
		},
		"with the referrers API": func(t *testing.T) string {
			s := httptest.NewServer(inmemory.New(inmemory.WithReferrersSupport(true), inmemory.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(s.Close)
			return s.Listener.Addr().String()
		},
	} {
		t.Run(kind, func(t *testing.T) {
			b := newBed(t)
			attachAtOnce(t, b, randomImage(t, start(t)+"/platform/x"))
		})
	}
}

func randomImage(t *testing.T, repository string) string {
	t.Helper()
	img, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(repository + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return ref.Name()
}

func attachAtOnce(t *testing.T, b *bed, image string) {
	dir := t.TempDir()
	predicate := filepath.Join(dir, "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"a": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const types = 2
	kind := func(i int) string { return fmt.Sprint("https://example.com/type/", i) }
	var keys []string
	for i := range 2 {
		keys = append(keys, filepath.Join(dir, fmt.Sprint("key", i)))
		b.must(t, "cosign", "generate-key-pair", "--output-key-prefix", keys[i])
	}
	var wg sync.WaitGroup
	for _, key := range keys {
		for i := range types {
			wg.Go(func() {
				r := b.run(t, "kiln", "attest", image, "--key", key+".key", "--predicate", predicate, "--type", kind(i))
				if r.code != 0 {
					t.Errorf("kiln attest: %s", r.stderr)
				}
			})
		}
		wg.Go(func() {
			if r := b.run(t, "kiln", "sign", image, "--key", key+".key"); r.code != 0 {
				t.Errorf("kiln sign: %s", r.stderr)
			}
		})
	}
	wg.Wait()
	nobody := filepath.Join(dir, "nobody.json")
	b.must(t, "cosign", "trusted-root", "create", "--out", nobody)
	// Where there are bundles, cosign looks at nothing else.
	forms := map[string][]string{image: {"--new-bundle-format", "--trusted-root", nobody}, b.withoutReferrers(t, image): nil}
	for _, key := range keys {
		for image, form := range forms {
			flags := append([]string{image, "--key", key + ".pub", "--insecure-ignore-tlog=true"}, form...)
			b.must(t, "cosign", append([]string{"verify"}, flags...)...)
			for i := range types {
				b.must(t, "cosign", append([]string{"verify-attestation", "--type", kind(i)}, flags...)...)
			}
		}
	}
}
