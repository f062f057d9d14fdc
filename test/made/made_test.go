package made_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/test/made"
)

// What is made verifies as what kiln build makes does.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	reg, err := push.New(push.Config{})
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := sign.DevelopmentKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/x:1")
	if err != nil {
		t.Fatal(err)
	}
	i := made.Image{Recipe: "../../recipes/catalog/hello/recipe.yaml", Key: key, Codename: "trixie", Packages: map[string]string{"tzdata": "2024a-1"}}
	digest, err := made.Push(t.Context(), reg, tag, i)
	if err != nil {
		t.Fatal(err)
	}
	attached, err := reg.Statements(t.Context(), tag.Context().Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{sign.PredicateSignature, sign.PredicateSPDX, sign.PredicateProvenance, sign.PredicateTestResult}
	if _, err := sign.Verify(t.Context(), digest, attached, sign.Identity{Key: key}, want); err != nil {
		t.Error(err)
	}
}
