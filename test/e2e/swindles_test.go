//go:build e2e

package e2e

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	spdxType       = "https://spdx.dev/Document"
	provenanceType = "https://slsa.dev/provenance/v1"
)

// swindle is an image that must not be taken for the genuine one, and what each
// of those who verify says of it. Who is not concerned says nothing.
type swindle struct {
	name string
	// make prepares it, and returns what is verified.
	make func(t *testing.T, b *bed, good name.Digest) name.Reference
	// other is whether another key is asked for than that which signed.
	other bool
	// kiln is what kiln verify says before it exits with code, 4 where it is 0,
	// with SUM for the image's digest.
	kiln string
	code int
	// cosign is what cosign says of bundles, and old of its tag layout: of the
	// signature, or of the attestation of type kind.
	cosign, old, kind string
	// pull is what the library of podman and skopeo says.
	pull string
}

func swindles() []swindle {
	return []swindle{
		{
			name: "unsigned", kiln: "verifying signature of sha256:SUM: none is attached",
			cosign: "no valid bundles exist in registry", old: "no signatures found", pull: "A signature was required, but no signature exists",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference { return b.forge(t, b.path(good)) },
		},
		{
			name: "unsigned, under a tag of a signed one", kiln: "verifying signature of sha256:SUM: none is attached",
			cosign: "no valid bundles exist in registry", old: "no signatures found", pull: "A signature was required, but no signature exists",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				tag := good.Context().Tag("1.0.0")
				b.moveTag(t, b.forge(t, b.path(good)), tag.TagStr())
				return tag
			},
		},
		{
			name: "signature of another image", kiln: "verifying signature of sha256:SUM: it is about another image",
			cosign: "provided artifact digest does not match any digest in statement", old: "invalid or missing digest in claim",
			pull: "Signature for digest sha256:",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				fake := b.forge(t, b.path(good))
				b.signatureOf(t, good, fake)
				return fake
			},
		},
		{
			name: "attestations of another image", kiln: "verifying SPDX document of sha256:SUM: it is about another image", kind: "spdxjson",
			cosign: "none of the attestations matched the predicate type: spdxjson, found: " + signatureType, old: "no matching subject digest found",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				fake := b.forge(t, b.path(good))
				b.must(t, "kiln", "sign", fake.Name(), "--key", b.key, "--registry-ca", b.CAFile)
				b.statementsOf(t, good, fake, but(""))
				return fake
			},
		},
		{
			name: "attestation of another type", kiln: "verifying SPDX document of sha256:SUM: it is of another type than its label says", kind: "spdxjson",
			cosign: "none of the attestations matched the predicate type: spdxjson", old: "none of the attestations matched the predicate type: spdxjson",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				bare := b.bare(t, good, "team/relabelled")
				keep := but(spdxType)
				keep[testResult] = spdxType
				b.statementsOf(t, good, bare, keep)
				return bare
			},
		},
		{
			name: "referrer removed", kiln: "verifying provenance of sha256:SUM: none is attached", kind: "slsaprovenance1",
			cosign: "none of the attestations matched the predicate type: slsaprovenance1", old: "none of the attestations matched the predicate type: slsaprovenance1",
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				bare := b.bare(t, good, "team/removed")
				b.attach(t, good, bare, but(""))
				b.attachTags(t, good, bare, but(provenanceType))
				b.must(t, "kiln", "verify", bare.Name(), "--key", b.pub, "--registry-ca", b.CAFile)
				b.detach(t, bare, provenanceType)
				return bare
			},
		},
		{
			name: "another key", other: true, kiln: "verifying signature of sha256:SUM: another key signed it",
			cosign: "accepted signatures do not match threshold, Found: 0, Expected 1", old: "invalid signature when validating ASN.1 encoded signature",
			pull: "cryptographic signature verification failed",
			make: func(_ *testing.T, _ *bed, good name.Digest) name.Reference { return good },
		},
		{
			name: "signed for another repository", pull: `team/probe" is not accepted`,
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference { return b.bare(t, good, "team/elsewhere") },
		},
		{
			name: "manifest changed where it is stored", code: 1,
			kiln: "sha256:SUM: the registry answers with sha256:", pull: "Manifest does not match provided manifest digest", // cosign does not read it
			make: func(t *testing.T, b *bed, good name.Digest) name.Reference {
				fake := b.forge(t, b.path(good))
				b.must(t, "kiln", "sign", fake.Name(), "--key", b.key, "--registry-ca", b.CAFile)
				b.tamper(t, fake)
				return fake
			},
		},
	}
}

// TestSwindles: whoever may push to a registry and has no key cannot have another
// image taken for one that is signed, nor one thing that was signed for another:
// kiln, cosign, and the library of podman and skopeo refuse it, and say why.
func TestSwindles(t *testing.T) {
	b, other := newBed(t), newBed(t)
	out := b.build(t, b.copyRecipe(t, probe), "team/probe")
	good, err := name.NewDigest(b.Addr + "/team/probe@" + out.Digest)
	if err != nil {
		t.Fatal(err)
	}
	b.must(t, "kiln", "verify", good.Name(), "--key", b.pub, "--registry-ca", b.CAFile)
	b.verify(t, good.Name(), b.nobody(t)...)
	b.verify(t, b.withoutReferrers(t, good.Name()))
	b.mustPull(t, good.Name(), b.pub)
	for _, s := range swindles() {
		t.Run(s.name, func(t *testing.T) {
			key := b.pub
			if s.other {
				key = other.pub
			}
			b.checkRefused(t, s, s.make(t, b, good), key)
		})
	}
}

// checkRefused has everybody refuse an image.
func (b *bed) checkRefused(t *testing.T, s swindle, image name.Reference, key string) {
	t.Helper()
	if s.kiln != "" {
		b.mustFail(t, cmp.Or(s.code, 4), []string{strings.Replace(s.kiln, "SUM", b.hex(t, image), 1)}, "verify", image.Name(), "--key", key, "--registry-ca", b.CAFile)
	}
	flags := []string{"--key", key, "--insecure-ignore-tlog=true", "--registry-cacert", b.CAFile}
	command := []string{"verify"}
	if s.kind != "" {
		command = []string{"verify-attestation", "--type", s.kind}
	}
	if s.cosign != "" {
		b.says(t, s.cosign, b.run(t, "cosign", slices.Concat(command, []string{image.Name()}, flags, b.nobody(t))...))
	}
	if s.old != "" {
		b.says(t, s.old, b.run(t, "cosign", slices.Concat(command, []string{b.withoutReferrers(t, image.Name())}, flags)...))
	}
	if s.pull != "" {
		b.says(t, s.pull, b.pull(t, image.Name(), key))
	}
}

// hex is the digest that an image's name stands for.
func (b *bed) hex(t *testing.T, image name.Reference) string {
	t.Helper()
	desc, err := remote.Head(image, b.remote(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest.Hex
}

// tamper changes a manifest in the registry's own files.
func (b *bed) tamper(t *testing.T, image name.Digest) {
	t.Helper()
	hex := strings.TrimPrefix(image.DigestStr(), "sha256:")
	file := filepath.Join(b.Root, "docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
	replace(t, file, `"schemaVersion":2`, `"schemaVersion": 2`, `"layers":[`, `"layers":[ `)
}

// path is an image's name without the registry.
func (b *bed) path(image interface{ Name() string }) string {
	return strings.TrimPrefix(image.Name(), b.Addr+"/")
}

// bare copies an image into another repository with its signature, and with none
// of what is said about it.
func (b *bed) bare(t *testing.T, image name.Digest, repo string) name.Digest {
	t.Helper()
	to := b.ref(t, repo).Context().Digest(image.DigestStr())
	if err := b.copyManifest(t, to, image); err != nil {
		t.Fatal(err)
	}
	b.signatureOf(t, image, to)
	return to
}

func (b *bed) mustPull(t *testing.T, image, key string) {
	t.Helper()
	if r := b.pull(t, image, key); r.code != 0 {
		t.Errorf("pulling %s: %s", image, r.stderr)
	}
}
