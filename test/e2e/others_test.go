//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/image-spec/schema"
)

// statements are those that every image has, by cosign's name for the type.
var statements = map[string]string{
	"spdxjson":        "https://spdx.dev/Document",
	"slsaprovenance1": "https://slsa.dev/provenance/v1",
	testResult:        testResult, // for which cosign has no name
}

const testResult = "https://in-toto.io/attestation/test-result/v0.1"

// testCosign verifies an image with cosign's own program, in both places that
// signatures are looked for: referrers, which cosign prefers, and tags beside
// the image's, which is all that a registry or a copy without referrers has.
func testCosign(t *testing.T, b *bed, image string) {
	b.verify(t, image, b.nobody(t)...)
	for kind, output := range b.verify(t, b.withoutReferrers(t, image)) {
		checkStatement(t, output, statements[kind], image)
	}
}

// nobody are cosign's flags for bundles, for which it wants to know whom to trust
// besides a key: nobody.
func (b *bed) nobody(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nobody.json")
	b.must(t, "cosign", "trusted-root", "create", "--out", file)
	return []string{"--new-bundle-format", "--trusted-root", file}
}

// verify has cosign verify the image's signature and statements, and returns
// what it printed of these, by cosign's name for the type.
func (b *bed) verify(t *testing.T, image string, flags ...string) map[string]string {
	t.Helper()
	flags = append(flags, "--key", b.pub, "--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile)
	b.must(t, "cosign", append([]string{"verify", image}, flags...)...)
	printed := map[string]string{}
	for kind := range statements {
		r := b.must(t, "cosign", append([]string{"verify-attestation", image, "--type", kind}, flags...)...)
		printed[kind] = r.last()
	}
	return printed
}

// withoutReferrers copies an image and what there is of cosign's tag layout, as
// older tools do, and returns the copy. Where bundles are attached as well, cosign
// looks at nothing else.
func (b *bed) withoutReferrers(t *testing.T, image string) string {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository(ref.Context().Name() + "-copy")
	if err != nil {
		t.Fatal(err)
	}
	from, to := ref.Context().Digest(desc.Digest.String()), repo.Digest(desc.Digest.String())
	if err := b.copyManifest(t, to, from); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{".sig", ".att"} {
		if _, err := remote.Head(tagOf(from, suffix), b.remote(t)...); err != nil {
			continue // nothing is signed, or nothing said
		}
		if err := b.copyManifest(t, tagOf(to, suffix), tagOf(from, suffix)); err != nil {
			t.Fatal(err)
		}
	}
	return to.Name()
}

// copyManifest copies an image or an index, and what it names.
func (b *bed) copyManifest(t *testing.T, target, source name.Reference) error {
	t.Helper()
	d, err := remote.Get(source, b.remote(t)...)
	if err != nil {
		return err
	}
	if d.MediaType.IsIndex() {
		index, err := d.ImageIndex()
		if err != nil {
			return err
		}
		return remote.WriteIndex(target, index, b.remote(t)...)
	}
	img, err := d.Image()
	if err != nil {
		return err
	}
	return remote.Write(target, img, b.remote(t)...)
}

// checkStatement looks into a DSSE envelope: it must be about the image.
func checkStatement(t *testing.T, envelope, predicate, image string) {
	t.Helper()
	var statement struct {
		PredicateType string `json:"predicateType"`
		Subject       []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		Predicate struct {
			Result string   `json:"result"`
			Passed []string `json:"passedTests"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(payload(t, envelope), &statement); err != nil {
		t.Fatal(err)
	}
	if statement.PredicateType != predicate {
		t.Errorf("got predicate type %s, want %s", statement.PredicateType, predicate)
	}
	if len(statement.Subject) != 1 || !strings.HasSuffix(image, "@sha256:"+statement.Subject[0].Digest["sha256"]) {
		t.Errorf("got subject %v, want %s", statement.Subject, image)
	}
	if tests := statement.Predicate; predicate == testResult && (tests.Result != "PASSED" || len(tests.Passed) == 0) {
		t.Errorf("got test results %+v, want tests that passed", tests)
	}
}

// payload is what a DSSE envelope holds.
func payload(t *testing.T, envelope string) []byte {
	t.Helper()
	var dsse struct {
		Payload []byte `json:"payload"`
	}
	if err := json.Unmarshal([]byte(envelope), &dsse); err != nil {
		t.Fatal(err)
	}
	return dsse.Payload
}

// testFormats reads an image with skopeo and go-containerregistry, and checks
// manifest and configuration against the schemas of the image specification.
func testFormats(t *testing.T, b *bed, image string) {
	raw := b.skopeo(t, "--raw", image)
	if err := schema.ValidatorMediaTypeManifest.Validate(strings.NewReader(raw)); err != nil {
		t.Errorf("manifest: %v\n%s", err, raw)
	}
	config := b.skopeo(t, "--config", "--raw", image)
	if err := schema.ValidatorMediaTypeImageConfig.Validate(strings.NewReader(config)); err != nil {
		t.Errorf("configuration: %v\n%s", err, config)
	}
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Errorf("image: %v", err)
	}
	checkConfig(t, img)
}

func checkConfig(t *testing.T, img v1.Image) {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.Config.User != "65532:65532" {
		t.Errorf("got user %q, want 65532:65532", c.Config.User)
	}
	if len(c.Config.Entrypoint) == 0 || c.Created.IsZero() || c.OS != "linux" {
		t.Errorf("got entrypoint %q, created %v, os %q, want all set", c.Config.Entrypoint, c.Created, c.OS)
	}
}

// skopeo inspects an image and returns what it prints.
func (b *bed) skopeo(t *testing.T, args ...string) string {
	t.Helper()
	image := args[len(args)-1]
	args = append([]string{"inspect", "--cert-dir", b.certDir(t), "--authfile", filepath.Join(b.DockerConfig, "config.json")},
		args[:len(args)-1]...)
	return b.must(t, "skopeo", append(args, "docker://"+image)...).stdout
}

// certDir is a folder of CA certificates as skopeo and podman take it.
func (b *bed) certDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), b.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// remote are go-containerregistry's options for the registry.
func (b *bed) remote(t *testing.T) []remote.Option {
	t.Helper()
	return []remote.Option{
		remote.WithContext(t.Context()),
		remote.WithTransport(b.transport()),
		remote.WithAuth(&authn.Basic{Username: b.User, Password: b.Password}),
	}
}

func (b *bed) transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b.CA)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
}

// repositories are all that the registry has, as it says itself.
func (b *bed) repositories(t *testing.T) []string {
	t.Helper()
	host, err := name.NewRegistry(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	repos, err := remote.Catalog(context.Background(), host, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return repos
}

// tags are those of a repository that a person would see: not the ones that
// cosign and the referrers' fallback use.
func (b *bed) tags(t *testing.T, repo string) []string {
	t.Helper()
	r, err := name.NewRepository(b.Addr + "/" + repo)
	if err != nil {
		t.Fatal(err)
	}
	all, err := remote.List(r, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, tag := range all {
		if !strings.HasPrefix(tag, "sha256-") {
			tags = append(tags, tag)
		}
	}
	return tags
}
