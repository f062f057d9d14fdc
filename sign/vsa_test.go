package sign_test

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kiln-build/kiln/sign"
)

// A summary is read by in-toto's own type, and says what SLSA asks for.
func TestSummary(t *testing.T) {
	in := sign.SummaryInput{
		Kiln: "v1", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Reference: "registry.example/x@sha256:" + strings.Repeat("a", 64),
		Policy: "kiln.yaml", PolicyDigest: strings.Repeat("b", 64), Built: true,
		Inputs: []v1.Hash{{Algorithm: "sha256", Hex: strings.Repeat("c", 64)}},
	}
	text, err := sign.Summary(in)
	if err != nil {
		t.Fatal(err)
	}
	var s vsa.VerificationSummary
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &s); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if s.GetVerificationResult() != "PASSED" || s.GetVerifier().GetId() == "" || s.GetResourceUri() != in.Reference ||
		s.GetPolicy().GetDigest()["sha256"] != in.PolicyDigest || !s.GetTimeVerified().AsTime().Equal(in.Time) ||
		len(s.GetVerifiedLevels()) != 1 || s.GetVerifiedLevels()[0] != "SLSA_BUILD_LEVEL_1" || len(s.GetInputAttestations()) != 1 {
		t.Errorf("got %s", text)
	}
	for predicate, want := range map[string]bool{
		string(text): true, strings.Replace(string(text), "PASSED", "FAILED", 1): false, `{}`: false, `[]`: false,
	} {
		if got := sign.SummaryPassed([]byte(predicate)); got != want {
			t.Errorf("%s passed: got %v, want %v", predicate, got, want)
		}
	}
	in.Built = false
	if text, err = sign.Summary(in); err != nil || !strings.Contains(string(text), "SLSA_BUILD_LEVEL_0") {
		t.Errorf("without provenance: got %s, %v", text, err)
	}
	in.PolicyDigest = ""
	if text, err := sign.Summary(in); err == nil {
		t.Errorf("without a policy: got %s", text)
	}
}
