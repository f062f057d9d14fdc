package sign_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/sign"
)

func TestOriginDigests(t *testing.T) {
	text, err := json.Marshal(map[string]any{"buildDefinition": map[string]any{"buildType": sign.BuildType, "resolvedDependencies": []any{
		map[string]any{"name": "both", "digest": map[string]string{"dirHash": "01", "sha256": "02"}},
		map[string]any{"name": "git", "digest": map[string]string{"gitTree": "03", "gitCommit": "04"}},
		map[string]any{"name": "none"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := sign.OriginOf(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range o.Dependencies {
		got = append(got, d.Name+" "+d.Digest)
	}
	if diff := cmp.Diff([]string{"both sha256:02", "git gitCommit:04", "none "}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
