//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kiln-build/kiln/sign/virtual"
)

// TestPullKeyless: the library of podman and skopeo takes an image that an identity
// signed, under the policy that kiln exports for the identity, and none of others.
func TestPullKeyless(t *testing.T) {
	b := newBed(t)
	const me, issuer = "builder@corp.example", "https://issuer.example"
	i, err := virtual.Start(virtual.Options{Logs: []int{1}, Timestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	files := instanceFiles(t, i, i.Token(issuer, me))
	signed, unsigned := b.pushRandom(t, "team/signed"), b.pushRandom(t, "team/unsigned")
	b.must(t, "kiln", "sign", signed, "--keyless", "--signing-config", files.config, "--trusted-root", files.root, "--identity-token", files.token,
		"--certificate-identity", me, "--certificate-oidc-issuer", issuer, "--registry-ca", b.CAFile)

	if r := b.pullAs(t, signed, files.root, me, issuer); r.code != 0 {
		t.Errorf("it refuses the image: %s", r.stderr)
	}
	for _, tt := range []struct{ image, root, subject, issuer, want string }{
		{unsigned, files.root, me, issuer, "A signature was required, but no signature exists"},
		{signed, files.root, "mallory@corp.example", issuer, `Required email "mallory@corp.example" not found`},
		{signed, files.root, me, "https://other.example", `Unexpected Fulcio OIDC issuer "https://issuer.example"`},
		{signed, foreignRoot(t, 1), me, issuer, "cryptographic signature verification of Rekor SET failed"},
	} {
		b.says(t, tt.want, b.pullAs(t, tt.image, tt.root, tt.subject, tt.issuer))
	}
}

// instanceFile has the paths of what people have of an instance of virtual's.
type instanceFile struct{ root, config, token string }

func instanceFiles(t *testing.T, i *virtual.Instance, token string) (f instanceFile) {
	t.Helper()
	root, err := i.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	config, err := i.SigningConfig()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f = instanceFile{filepath.Join(dir, "root.json"), filepath.Join(dir, "config.json"), filepath.Join(dir, "token")}
	for file, text := range map[string][]byte{f.root: root, f.config: config, f.token: []byte(token)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// foreignRoot is the trusted root of an instance that has nothing to do with
// the test's, whose log is of the version.
func foreignRoot(t *testing.T, log int) string {
	t.Helper()
	i, err := virtual.Start(virtual.Options{Logs: []int{log}, Timestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return instanceFiles(t, i, "").root
}

// pushRandom pushes an image of which nothing is known.
func (b *bed) pushRandom(t *testing.T, repo string) string {
	t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref := b.ref(t, repo).Context().Digest(digest.String())
	if err := remote.Write(ref, img, b.remote(t)...); err != nil {
		t.Fatal(err)
	}
	return ref.Name()
}

// pull has the library of podman and skopeo copy the image under the policy that
// kiln exports for a key.
func (b *bed) pull(t *testing.T, image, key string) result {
	t.Helper()
	return b.pullUnder(t, image, "{key: "+key+"}")
}

// pullAs does that under the policy for an identity of certificates.
func (b *bed) pullAs(t *testing.T, image, root, subject, issuer string) result {
	t.Helper()
	return b.pullUnder(t, image, "{subject: "+subject+", issuer: "+issuer+"}", "--trusted-root", root)
}

func (b *bed) pullUnder(t *testing.T, image, identity string, flags ...string) result {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("kiln: v1\npolicy: {identities: ["+identity+"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must(t, "kiln", append([]string{"policy", "export", "--format", "containers", "--scope", b.Addr + "/team", "--policy", policy, "--dir", dir}, flags...)...)
	return b.run(t, "pull", filepath.Join(dir, "policy.json"), filepath.Join(dir, "registries.d"), b.certDir(t),
		filepath.Join(b.DockerConfig, "config.json"), image, filepath.Join(t.TempDir(), "pulled"))
}

// says wants a refusal with the words.
func (b *bed) says(t *testing.T, words string, r result) {
	t.Helper()
	if r.code == 0 || !strings.Contains(r.stderr, words) {
		t.Errorf("exit code %d, want a refusal that says %q:\n%s", r.code, words, r.stderr)
	}
}
