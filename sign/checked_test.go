package sign_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func TestChecked(t *testing.T) {
	provenance, err := sign.Provenance(provenanceInput())
	if err != nil {
		t.Fatal(err)
	}
	in := sign.CheckedInput{
		CheckerID: "https://example.org/ci", Kiln: "1", Provenance: provenance,
		Archives: []recipes.Archive{{Archive: "debian", Suite: "trixie", Date: "2026-11-22T08:00:00Z", InRelease: "ab"}},
	}
	text, err := sign.Checked(in)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := sign.OriginOf(provenance)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(origin.Lock)
	got, err := sign.CheckedOf(text)
	want := sign.CheckedAgainst{Checker: in.CheckerID, Key: origin.Key, Lock: hex.EncodeToString(sum[:]), Archives: in.Archives}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for range 25 {
		if again, err := sign.Checked(in); err != nil || string(again) != string(text) {
			t.Fatalf("again it is %s, %v", again, err)
		}
	}
}

func TestCheckedRefuses(t *testing.T) {
	if _, err := sign.Checked(sign.CheckedInput{CheckerID: "x", Provenance: []byte(`{}`)}); !errors.Is(err, sign.ErrOtherBuildType) {
		t.Errorf("provenance of others: got %v", err)
	}
	if _, err := sign.Checked(sign.CheckedInput{Provenance: []byte(`{}`)}); err == nil {
		t.Error("no checker: no error")
	}
	for _, text := range []string{`{}`, `[]`, `{"checker":{"id":"x"},"buildKey":"k"}`} {
		if got, err := sign.CheckedOf(json.RawMessage(text)); err == nil {
			t.Errorf("%s: got %+v, want an error", text, got)
		}
	}
}

func FuzzCheckedOf(f *testing.F) {
	f.Add([]byte(`{"checker":{"id":"x"},"buildKey":"k","lock":{"sha256":"ab"},"archives":[{"archive":"debian"}]}`))
	f.Fuzz(func(t *testing.T, predicate []byte) {
		got, err := sign.CheckedOf(predicate)
		if err == nil && (got.Checker == "" || got.Key == "" || got.Lock == "") {
			t.Errorf("got %+v", got)
		}
	})
}
