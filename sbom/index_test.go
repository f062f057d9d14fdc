package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func indexInput(t *testing.T) IndexInput {
	t.Helper()
	in := fixture(t)
	index := IndexInput{
		Recipe: in.Recipe, Lock: in.Lock, Repository: in.Repository, Version: in.Version,
		Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("9", 64)},
	}
	for i, platform := range []string{"linux/amd64", "linux/arm64"} {
		digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(string(rune('1'+i)), 64)}
		index.Images = append(index.Images, IndexImage{Platform: platform, Digest: digest, Namespace: namespaceBase + "x-" + digest.Hex, Text: []byte(platform)})
	}
	return index
}

func TestDescribeIndex(t *testing.T) {
	doc, err := DescribeIndex(indexInput(t))
	if err != nil {
		t.Fatal(err)
	}
	data, err := Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	checkShape(t, data)
	for range 25 {
		again, err := DescribeIndex(indexInput(t))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := Marshal(again); err != nil || !bytes.Equal(other, data) {
			t.Fatalf("the same index gives other bytes: %v", err)
		}
	}
	sum := sha256.Sum256([]byte("linux/arm64"))
	for _, want := range []string{
		`"relationshipType":"VARIANT_OF"`, `"relatedSpdxElement":"DocumentRef-linux-arm64:SPDXRef-DOCUMENT"`,
		`"externalDocumentId":"DocumentRef-linux-arm64"`, hex.EncodeToString(sum[:]),
		`@sha256:` + strings.Repeat("2", 64) + `?arch=arm64`, `@sha256:` + strings.Repeat("9", 64) + `?repository_url=`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
	if len(doc.Packages) != 3 {
		t.Errorf("got %d packages, want the index and two images", len(doc.Packages))
	}
	if _, err := DescribeIndex(IndexInput{}); err == nil {
		t.Error("an index without images is described")
	}
}
