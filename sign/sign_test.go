package sign_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/sigstore/cosign/v2/pkg/cosign"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

const repository = "registry.example/platform/nats"

var all = []string{sign.PredicateSignature, sign.PredicateSPDX, sign.PredicateProvenance}

func statements() []sign.Statement {
	return []sign.Statement{
		{PredicateType: sign.PredicateSPDX, Predicate: json.RawMessage(`{"spdxVersion":"SPDX-2.3","name":"nats"}`)},
		{PredicateType: sign.PredicateProvenance, Predicate: json.RawMessage(`{"buildDefinition":{},"runDetails":{}}`)},
	}
}

func newKey(t testing.TB) *sign.Key {
	t.Helper()
	pair, err := cosign.GenerateKeyPair(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.LoadKey(pair.PrivateBytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSubject(t testing.TB) v1.Descriptor {
	t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := partial.Descriptor(img)
	if err != nil {
		t.Fatal(err)
	}
	return *desc
}

func mustSign(t testing.TB, subject v1.Descriptor, key *sign.Key, list []sign.Statement, existing recipes.Attached) []recipes.Attachment {
	t.Helper()
	attachments, err := sign.Sign(t.Context(), subject, repository, key, list, sign.Options{Existing: existing})
	if err != nil {
		t.Fatal(err)
	}
	return attachments
}

// attached is what a reader of the registry would find.
func attached(t testing.TB, list []recipes.Attachment) recipes.Attached {
	t.Helper()
	var found recipes.Attached
	for _, a := range list {
		if a.Tag != "" {
			found.SetTag(a)
			continue
		}
		found.Bundles = append(found.Bundles, bundleOf(t, a.Image))
	}
	return found
}

func bundleOf(t testing.TB, img v1.Image) recipes.Bundle {
	t.Helper()
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := img.LayerByDigest(manifest.Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	rc, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return recipes.Bundle{Digest: digest, Claims: manifest.Annotations["dev.sigstore.bundle.predicateType"], Data: data}
}

func TestSignedVerifies(t *testing.T) {
	subject, key := newSubject(t), newKey(t)
	both := attached(t, mustSign(t, subject, key, statements(), recipes.Attached{}))
	public, err := sign.LoadPublicKey(key.PublicPEM())
	if err != nil {
		t.Fatal(err)
	}
	for name, found := range map[string]recipes.Attached{
		"both":       both,
		"referrers":  {Bundles: both.Bundles},
		"tag layout": {Signatures: both.Signatures, Attestations: both.Attestations},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := sign.Verify(t.Context(), subject.Digest, found, sign.Identity{Key: public}, all)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Checks {
				if c.Err != nil {
					t.Errorf("%s at %s: %v", c.PredicateType, c.Place, c.Err)
				}
			}
			got, ok := report.Statement(sign.PredicateSPDX)
			if want := statements()[0]; !ok || !cmp.Equal(want, got) {
				t.Errorf("statement: got %s, want %s", got.Predicate, want.Predicate)
			}
		})
	}
}

// Everything below but the last case is an attack or an accident, and each
// has to be told by its name.
func TestRefused(t *testing.T) {
	subject, other := newSubject(t), newSubject(t)
	key, foreign := newKey(t), newKey(t)
	good := attached(t, mustSign(t, subject, key, statements(), recipes.Attached{}))
	elsewhere := attached(t, mustSign(t, other, key, statements(), recipes.Attached{}))
	theirs := attached(t, mustSign(t, subject, foreign, statements(), recipes.Attached{}))
	onlyBundles := func(b ...recipes.Bundle) recipes.Attached { return recipes.Attached{Bundles: b} }
	onlyTags := func(a recipes.Attached) recipes.Attached {
		return recipes.Attached{Signatures: a.Signatures, Attestations: a.Attestations}
	}
	relabelled := good.Bundles[2]
	relabelled.Claims = sign.PredicateSPDX
	tests := []struct {
		name    string
		subject v1.Hash
		found   recipes.Attached
		missing string
		want    error
	}{
		{"nothing attached", subject.Digest, recipes.Attached{}, sign.PredicateSignature, sign.ErrNone},
		{"tampered manifest", other.Digest, onlyBundles(good.Bundles...), sign.PredicateSignature, sign.ErrOtherImage},
		{"tampered manifest, tags", other.Digest, onlyTags(good), sign.PredicateSPDX, sign.ErrOtherImage},
		{"attestation of another image", subject.Digest,
			onlyBundles(good.Bundles[0], elsewhere.Bundles[1], good.Bundles[2]), sign.PredicateSPDX, sign.ErrOtherImage},
		{"attestations of another image, tags", subject.Digest,
			recipes.Attached{Signatures: good.Signatures, Attestations: elsewhere.Attestations}, sign.PredicateProvenance, sign.ErrOtherImage},
		{"signature of another image, tags", subject.Digest,
			recipes.Attached{Signatures: elsewhere.Signatures}, sign.PredicateSignature, sign.ErrOtherImage},
		{"other predicate type", subject.Digest,
			onlyBundles(good.Bundles[0], relabelled), sign.PredicateSPDX, sign.ErrOtherPredicate},
		{"wrong key", subject.Digest, onlyBundles(theirs.Bundles...), sign.PredicateSignature, sign.ErrOtherKey},
		{"wrong key, tags", subject.Digest, onlyTags(theirs), sign.PredicateSignature, sign.ErrTampered},
		{"removed statement", subject.Digest, onlyBundles(good.Bundles[:2]...), sign.PredicateProvenance, sign.ErrNone},
		{"tampered payload", subject.Digest,
			onlyBundles(good.Bundles[0], tamper(t, good.Bundles[1])), sign.PredicateSPDX, sign.ErrTampered},
		{"tampered payload, tags", subject.Digest,
			recipes.Attached{Attestations: tamperLayers(t, good.Attestations)}, sign.PredicateSPDX, sign.ErrTampered},
		{"not a bundle", subject.Digest,
			onlyBundles(recipes.Bundle{Data: []byte(`{"a":1}`)}), sign.PredicateSignature, sign.ErrMalformed},
		{"replayed signature as statement", subject.Digest,
			onlyBundles(good.Bundles[0], good.Bundles[0]), sign.PredicateProvenance, sign.ErrNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, err := sign.Verify(t.Context(), tt.subject, tt.found, sign.Identity{Key: key}, []string{tt.missing})
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var typed *sign.Error
			if !errors.As(err, &typed) || typed.PredicateType != tt.missing {
				t.Errorf("got %#v, want an *Error about %s", err, tt.missing)
			}
			if _, ok := report.Statement(tt.missing); ok {
				t.Error("the report has the statement that was refused")
			}
		})
	}
}

// What others attach must not keep an image from verifying.
func TestForeignStatementsAreIgnored(t *testing.T) {
	subject, key := newSubject(t), newKey(t)
	theirs := attached(t, mustSign(t, subject, newKey(t), statements(), recipes.Attached{}))
	both := attached(t, mustSign(t, subject, key, statements(), theirs))
	both.Bundles = append(theirs.Bundles, both.Bundles...)
	both.Bundles = append(both.Bundles, recipes.Bundle{Data: []byte("garbage")})
	report, err := sign.Verify(t.Context(), subject.Digest, both, sign.Identity{Key: key}, all)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, c := range report.Checks {
		if c.Err != nil {
			failed++
		}
	}
	if want := 3 + 1 + 1 + 2; failed != want {
		t.Errorf("got %d failed checks, want %d", failed, want)
	}
}

func TestSigningTwiceAddsNothing(t *testing.T) {
	subject, key := newSubject(t), newKey(t)
	found := attached(t, mustSign(t, subject, key, statements(), recipes.Attached{}))
	if got := mustSign(t, subject, key, statements(), found); len(got) != 0 {
		t.Errorf("second signing adds %d attachments, want 0", len(got))
	}
	found.Bundles = found.Bundles[:2]
	found.Signatures = nil
	got := mustSign(t, subject, key, statements(), found)
	if len(got) != 2 || got[0].Tag != "" || !strings.HasSuffix(got[1].Tag, ".sig") {
		t.Errorf("resumed signing adds %d attachments, want the lost referrer and .sig", len(got))
	}
}

func TestOtherSignersAreKept(t *testing.T) {
	subject, first, second := newSubject(t), newKey(t), newKey(t)
	found := attached(t, mustSign(t, subject, first, statements(), recipes.Attached{}))
	merged := attached(t, mustSign(t, subject, second, statements(), found))
	for _, key := range []*sign.Key{first, second} {
		tags := recipes.Attached{Signatures: merged.Signatures, Attestations: merged.Attestations}
		if _, err := sign.Verify(t.Context(), subject.Digest, tags, sign.Identity{Key: key}, all); err != nil {
			t.Error(err)
		}
	}
}

func TestReferrerManifest(t *testing.T) {
	subject := newSubject(t)
	for _, a := range mustSign(t, subject, newKey(t), statements(), recipes.Attached{}) {
		if err := validate.Image(a.Image, validate.Fast); err != nil {
			t.Error(err)
		}
		manifest, err := a.Image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if created := manifest.Annotations["org.opencontainers.image.created"]; created != "" {
			t.Errorf("manifest has a creation date: %s", created)
		}
		if a.Tag != "" {
			continue
		}
		if manifest.Subject.Digest != subject.Digest || manifest.ArtifactType != "application/vnd.dev.sigstore.bundle.v0.3+json" {
			t.Errorf("got subject %v, type %s", manifest.Subject, manifest.ArtifactType)
		}
	}
}

func TestSignNeedsPrivateKey(t *testing.T) {
	public, err := sign.LoadPublicKey(newKey(t).PublicPEM())
	if err != nil {
		t.Fatal(err)
	}
	_, err = sign.Sign(t.Context(), newSubject(t), repository, public, nil, sign.Options{})
	if !errors.Is(err, sign.ErrNoPrivateKey) {
		t.Errorf("got %v, want %v", err, sign.ErrNoPrivateKey)
	}
}

func TestVerifyCancelled(t *testing.T) {
	subject, key := newSubject(t), newKey(t)
	found := attached(t, mustSign(t, subject, key, nil, recipes.Attached{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sign.Verify(ctx, subject.Digest, found, sign.Identity{Key: key}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// tamper changes the payload and leaves the signature.
func tamper(t testing.TB, b recipes.Bundle) recipes.Bundle {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(b.Data, &raw); err != nil {
		t.Fatal(err)
	}
	env, _ := raw["dsseEnvelope"].(map[string]any)
	env["payload"] = tamperPayload(t, fmt.Sprint(env["payload"]))
	data, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	b.Data = data
	return b
}

func tamperPayload(t testing.TB, payload string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(data, []byte("nats"), []byte("evil"), 1)
	if bytes.Equal(changed, data) {
		t.Fatal("nothing to tamper with")
	}
	return base64.StdEncoding.EncodeToString(changed)
}

func tamperLayers(t testing.TB, img v1.Image) v1.Image {
	t.Helper()
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	out := mutate.MediaType(mutate.ConfigMediaType(img, manifest.Config.MediaType), manifest.MediaType)
	for _, d := range manifest.Layers {
		layer, err := img.LayerByDigest(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		rc, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		var env map[string]any
		if err := json.NewDecoder(rc).Decode(&env); err != nil {
			t.Fatal(err)
		}
		env["payload"] = tamperPayload(t, fmt.Sprint(env["payload"]))
		data, err := json.Marshal(env)
		if err != nil {
			t.Fatal(err)
		}
		out, err = mutate.Append(out, mutate.Addendum{Layer: static.NewLayer(data, d.MediaType), Annotations: d.Annotations})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dropLayers{out, len(manifest.Layers)}
}

// dropLayers hides the first n layers of a manifest.
type dropLayers struct {
	v1.Image
	n int
}

func (d dropLayers) Manifest() (*v1.Manifest, error) {
	m, err := d.Image.Manifest()
	if err != nil {
		return nil, err
	}
	m = m.DeepCopy()
	m.Layers = m.Layers[d.n:]
	return m, nil
}
