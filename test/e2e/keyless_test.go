//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

// An image that is built and signed by an identity, with the real servers of a
// private Sigstore, is verified by kiln, cosign and Sigstore's JavaScript
// library, and by all of them only for that identity.
func TestKeyless(t *testing.T) {
	takesLong(t, "compiling the servers")
	b, s := newBed(t), startSigstore(t)
	const me = "builder@corp.example"
	who := []string{"--certificate-identity", me, "--certificate-oidc-issuer", s.issuer, "--trusted-root", s.root}
	repo := b.Addr + "/keyless/hello"
	build := slices.Concat([]string{
		"build", filepath.Join(root(), "recipes/catalog/hello"), "--push", repo, "--registry-ca", b.CAFile, "--output", "json", "--progress", "plain",
		"--keyless", "--signing-config", s.config, "--identity-token", s.token(t, me),
	}, who)
	var made built
	r := b.must(t, "kiln", build...)
	if err := json.Unmarshal([]byte(r.last()), &made); err != nil || made.Unchanged {
		t.Fatalf("got %q, %v", r.last(), err)
	}
	image := repo + "@" + made.Digest
	t.Run("unchanged", func(t *testing.T) {
		again := slices.Clone(build)
		again[slices.Index(again, "--identity-token")+1] = "nowhere" // none is asked for
		if r := b.must(t, "kiln", again...); !strings.Contains(r.stdout, `"unchanged":true`) {
			t.Errorf("got %s", r.stdout)
		}
		homes := b.homes
		defer func() { b.homes = homes }()
		var err error
		if b.homes, err = homes2(t); err != nil {
			t.Fatal(err)
		}
		if r := b.must(t, "kiln", again...); !strings.Contains(r.stdout, `"unchanged":true`) {
			t.Errorf("on another machine: got %s", r.stdout)
		}
	})
	t.Run("kiln", func(t *testing.T) {
		verify := append([]string{"verify", image, "--registry-ca", b.CAFile}, who...)
		b.must(t, "kiln", verify...)
		for flag, words := range map[string]string{
			"--certificate-identity": "its certificate is for another identity: " + me, "--certificate-oidc-issuer": "its certificate is for an identity of another issuer",
		} {
			other := slices.Clone(verify)
			other[slices.Index(other, flag)+1] = "https://other.example"
			b.mustFail(t, 4, []string{words}, other...)
		}
	})
	t.Run("cosign", func(t *testing.T) { keylessCosign(t, b, s, image, who) })
	t.Run("sigstore-js", func(t *testing.T) { sigstoreJS(t, b, s, image, me) })
	t.Run("sign", func(t *testing.T) { signAfterwards(t, b, s, image, who) })
	t.Run("no permission", func(t *testing.T) {
		other := slices.Clone(build)
		other[slices.Index(other, "--identity-token")+1] = s.token(t, "mallory@corp.example")
		other[slices.Index(other, "--push")+1] = b.Addr + "/keyless/other"
		b.mustFail(t, 1, []string{"it was issued to mallory@corp.example", "hint: if that is who signs"}, other...)
	})
}

func homes2(t *testing.T) ([]string, error) { return homes(t.TempDir()) }

func keylessCosign(t *testing.T, b *bed, s *instance, image string, who []string) {
	flags := append([]string{
		"--new-bundle-format", "--insecure-ignore-sct", "--use-signed-timestamps", "--registry-cacert", b.CAFile,
	}, who...)
	b.must(t, "cosign", append([]string{"verify", image}, flags...)...)
	for kind, predicate := range statements {
		r := b.must(t, "cosign", append([]string{"verify-attestation", image, "--type", kind}, flags...)...)
		checkStatement(t, r.last(), predicate, image)
	}
	// The tags have no place for entries of this log.
	copied := b.withoutReferrers(t, image)
	old := append([]string{"--insecure-ignore-sct", "--use-signed-timestamps", "--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile,
		"--ca-roots", s.roots, "--timestamp-certificate-chain", s.stampers}, who[:4]...) // for tags it takes no trusted root
	b.must(t, "cosign", append([]string{"verify", copied}, old...)...)
	for kind := range statements {
		b.must(t, "cosign", append([]string{"verify-attestation", copied, "--type", kind}, old...)...)
	}
	for flag, reasons := range map[string][]string{
		"--certificate-identity":    {`expected SAN value "https://other.example", got "` + who[1], "none of the expected identities matched what was in the certificate"},
		"--certificate-oidc-issuer": {`expected issuer value "https://other.example", got "` + s.issuer, "none of the expected identities matched what was in the certificate"},
	} {
		for i, args := range [][]string{append([]string{"verify", image}, flags...), append([]string{"verify", copied}, old...)} {
			args[slices.Index(args, flag)+1] = "https://other.example"
			b.says(t, reasons[i], b.run(t, "cosign", args...))
		}
	}
}

// signAfterwards signs an image that was pushed without anything attached.
func signAfterwards(t *testing.T, b *bed, s *instance, image string, who []string) {
	from, err := name.NewDigest(image)
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.NewRepository(b.Addr + "/keyless/bare")
	if err != nil {
		t.Fatal(err)
	}
	bare := to.Digest(from.DigestStr())
	if err := b.copyManifest(t, bare, from); err != nil {
		t.Fatal(err)
	}
	signer := append([]string{"--keyless", "--signing-config", s.config, "--identity-token", s.token(t, who[1]), "--registry-ca", b.CAFile}, who...)
	b.must(t, "kiln", append([]string{"sign", bare.Name()}, signer...)...)
	b.mustFail(t, 4, []string{"not tagged", "none is attached"}, append([]string{"sign", bare.Name(), "--tag", "1.0"}, signer...)...)
	for kind, predicate := range statements {
		printed := b.must(t, "cosign", append([]string{"verify-attestation", image, "--type", kind, "--new-bundle-format",
			"--insecure-ignore-sct", "--use-signed-timestamps", "--registry-cacert", b.CAFile}, who...)...)
		b.must(t, "kiln", append([]string{"attest", bare.Name(), "--predicate", writePredicate(t, printed.last()), "--type", predicate}, signer...)...)
	}
	b.must(t, "kiln", append([]string{"sign", bare.Name(), "--tag", "1.0"}, signer...)...)
	b.must(t, "kiln", append([]string{"verify", to.Name() + ":1.0", "--registry-ca", b.CAFile}, who...)...)
}

// writePredicate writes the predicate in an envelope, as cosign prints it, into
// a file.
func writePredicate(t *testing.T, printed string) (file string) {
	t.Helper()
	var statement struct {
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(payload(t, printed), &statement); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(file, statement.Predicate, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
