package sign

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// PredicateVSA is SLSA's verification summary, as [Summary] writes it.
const PredicateVSA = "https://slsa.dev/verification_summary/v1"

// verifierID is who verifies where nobody vouches for the machine that does.
const verifierID = "https://github.com/kiln-build/kiln/verify"

// SummaryInput is everything that [Summary] says.
type SummaryInput struct {
	// Kiln is the version of who verified.
	Kiln string
	// Time is when.
	Time time.Time
	// Reference is the image's name with its digest.
	Reference string
	// Policy names what it was held to, and PolicyDigest is the sha256 of
	// its text, as hex.
	Policy, PolicyDigest string
	// Inputs are the attestations that were looked at, by the digests of their
	// manifests.
	Inputs []v1.Hash
	// Built is whether a provenance verified, which is SLSA Build Level 1: a
	// builder that nobody vouches for reaches no more.
	Built bool
}

// summary is the predicate (SLSA 1.0, verification_summary.md).
type summary struct {
	Verifier struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version"`
	} `json:"verifier"`
	TimeVerified string     `json:"timeVerified"`
	ResourceURI  string     `json:"resourceUri"`
	Policy       resource   `json:"policy"`
	Inputs       []resource `json:"inputAttestations,omitempty"`
	Result       string     `json:"verificationResult"`
	Levels       []string   `json:"verifiedLevels"`
	Version      string     `json:"slsaVersion"`
}

// resultPassed is what a summary says of an image that met the policy.
const resultPassed = "PASSED"

// Summary writes the predicate of a SLSA verification summary: the image was
// held to the policy and passed. Of a verification that failed there is none.
func Summary(in SummaryInput) (json.RawMessage, error) {
	if in.Reference == "" || in.PolicyDigest == "" || in.Time.IsZero() {
		return nil, errors.New("writing verification summary: reference, policy and time are needed")
	}
	level := "SLSA_BUILD_LEVEL_0"
	if in.Built {
		level = "SLSA_BUILD_LEVEL_1"
	}
	s := summary{
		TimeVerified: in.Time.UTC().Format(time.RFC3339), ResourceURI: in.Reference,
		Policy: resource{URI: in.Policy, Digest: map[string]string{"sha256": in.PolicyDigest}},
		Result: resultPassed, Levels: []string{level}, Version: "1.0",
	}
	s.Verifier.ID, s.Verifier.Version = verifierID, map[string]string{"kiln": in.Kiln}
	repository, _, _ := strings.Cut(in.Reference, "@")
	for _, d := range in.Inputs {
		s.Inputs = append(s.Inputs, resource{URI: repository + "@" + d.String(), Digest: map[string]string{d.Algorithm: d.Hex}})
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing verification summary: %w", err)
	}
	return text, nil
}

// SummaryPassed reports whether the predicate of a verification summary, by
// whomever, says that the image passed. One that cannot be read does not.
func SummaryPassed(predicate json.RawMessage) bool {
	var s struct {
		Result string `json:"verificationResult"`
	}
	return json.Unmarshal(predicate, &s) == nil && s.Result == resultPassed
}
