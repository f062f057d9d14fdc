package sign_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

const followed = `{"buildDefinition":{"buildType":"` + sign.BuildType + `","internalParameters":{"key":"K","format":"2/5"}}}`

func rebuildStatement(t *testing.T, provenance string) []sign.Statement {
	t.Helper()
	predicate, err := sign.Rebuild(sign.RebuildInput{
		BuilderID: "https://example.org/ci", Kiln: "1", BuildKit: "2", Provenance: json.RawMessage(provenance), Fresh: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return []sign.Statement{{PredicateType: sign.PredicateRebuild, Predicate: predicate}}
}

// attest is what the key attaches besides have, as it would be found.
func attest(t *testing.T, subject v1.Descriptor, key *sign.Key, statements []sign.Statement, have recipes.Attached) recipes.Attached {
	t.Helper()
	list, err := sign.Attest(t.Context(), subject, repository, key, statements, sign.Options{Existing: have})
	if err != nil {
		t.Fatal(err)
	}
	added := attached(t, list)
	added.Bundles = append(have.Bundles, added.Bundles...)
	if added.Signatures == nil {
		added.Signatures = have.Signatures
	}
	if added.Attestations == nil {
		added.Attestations = have.Attestations
	}
	return added
}

// Builders count once each, by their keys, and only for this digest and build.
func TestRebuilders(t *testing.T) {
	subject, other := newSubject(t), newSubject(t)
	own, a, b, stranger, liar := newKey(t), newKey(t), newKey(t), newKey(t), newKey(t)
	same := rebuildStatement(t, followed)
	found := attached(t, mustSign(t, subject, own, statements(), recipes.Attached{}))
	for _, key := range []*sign.Key{a, a, b, own, stranger} {
		found = attest(t, subject, key, same, found)
	}
	found = attest(t, subject, liar, rebuildStatement(t, strings.Replace(followed, `"K"`, `"L"`, 1)), found)
	id := func(keys ...*sign.Key) (list []sign.Identity) {
		for _, k := range keys {
			list = append(list, sign.Identity{Key: k})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		subject v1.Descriptor
		found   recipes.Attached
		by      []sign.Identity
		want    []string
	}{
		{"two builders", subject, found, id(a, b, a), []string{a.ID(), b.ID()}},
		{"the signer of the provenance is no second opinion", subject, found, id(own, a), []string{a.ID()}},
		{"who is not asked for does not count", subject, found, id(b), []string{b.ID()}},
		{"another build key", subject, found, id(liar), nil},
		{"who said nothing", subject, found, id(newKey(t)), nil},
		{"another image", other, found, id(a, b), nil},
		{"the tag layout alone", subject, recipes.Attached{Attestations: found.Attestations}, id(a, b), []string{a.ID(), b.ID()}},
		{"the referrers alone", subject, recipes.Attached{Bundles: found.Bundles}, id(a, b), []string{a.ID(), b.ID()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sign.Rebuilders(t.Context(), tt.subject.Digest, tt.found, "K", own.ID(), tt.by)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// Descriptions of certificates may fit one builder twice, or the signer.
func TestRebuildersAreKeys(t *testing.T) {
	by := []sign.Identity{{Certificate: &sign.CertificateIdentity{Issuer: "https://issuer.example", SubjectRegexp: ".+"}}}
	_, err := sign.Rebuilders(t.Context(), newSubject(t).Digest, recipes.Attached{}, "K", "", by)
	if err == nil || !strings.Contains(err.Error(), "is no key") {
		t.Errorf("got %v, want an error that says so", err)
	}
}

// Who attests to an image does not sign it thereby.
func TestAttestDoesNotSign(t *testing.T) {
	subject, own, other := newSubject(t), newKey(t), newKey(t)
	found := attached(t, mustSign(t, subject, own, statements(), recipes.Attached{}))
	found = attest(t, subject, other, rebuildStatement(t, followed), found)
	_, err := sign.Verify(t.Context(), subject.Digest, found, sign.Identity{Key: other}, []string{sign.PredicateSignature})
	if err == nil {
		t.Error("an attestation counts as a signature")
	}
	if _, err := sign.Verify(t.Context(), subject.Digest, found, sign.Identity{Key: own}, all); err != nil {
		t.Errorf("the image's own signatures: %v", err)
	}
	if list, err := sign.Attest(t.Context(), subject, repository, other, rebuildStatement(t, followed), sign.Options{Existing: found}); err != nil || len(list) != 0 {
		t.Errorf("attesting twice attaches %d, %v, want nothing", len(list), err)
	}
}

func TestRebuildRefuses(t *testing.T) {
	if _, err := sign.Rebuild(sign.RebuildInput{BuilderID: "x", Provenance: []byte(`{}`)}); !errors.Is(err, sign.ErrOtherBuildType) {
		t.Errorf("provenance of others: got %v", err)
	}
	if _, err := sign.Rebuild(sign.RebuildInput{Provenance: []byte(followed)}); err == nil {
		t.Error("no builder: no error")
	}
	for _, text := range []string{`{}`, `[]`, `{"builder":{"id":"x"}}`} {
		if got, err := sign.RebuiltOf([]byte(text)); err == nil {
			t.Errorf("%s: got %+v, want an error", text, got)
		}
	}
}

func TestOriginOf(t *testing.T) {
	in := provenanceInput()
	in.Folder = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	predicate, err := sign.Provenance(in)
	if err != nil {
		t.Fatal(err)
	}
	o, err := sign.OriginOf(predicate)
	if err != nil {
		t.Fatal(err)
	}
	if string(o.Recipe) != string(in.Recipe.Raw) || string(o.Lock) != string(in.LockText) || o.Platform != in.Platform ||
		o.Key != in.Key || o.Format != in.Format || o.Builder != in.BuilderID || o.Folder != in.Folder {
		t.Errorf("got %+v", o)
	}
	if len(o.Dependencies) == 0 {
		t.Error("it has no dependencies")
	}
	if _, err := sign.OriginOf([]byte(`{"buildDefinition":{"buildType":"https://example.org"}}`)); !errors.Is(err, sign.ErrOtherBuildType) {
		t.Errorf("another build type: got %v", err)
	}
}

func FuzzOriginOf(f *testing.F) {
	in := provenanceInput()
	in.Folder = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	predicate, err := sign.Provenance(in)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(predicate))
	f.Fuzz(func(t *testing.T, predicate []byte) {
		o, err := sign.OriginOf(predicate)
		if (o == nil) == (err == nil) {
			t.Errorf("got %v and %v", o, err)
		}
		if o != nil && o.Folder != (v1.Hash{}) && len(o.Folder.Hex) != 64 {
			t.Errorf("the digest %q passes", o.Folder.Hex)
		}
	})
}
