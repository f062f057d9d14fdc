package sign_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing is lost
	key, _, err := sign.DevelopmentKey(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	image := v1.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json",
		Digest:    v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("4f", 32)},
		Size:      1234,
	}
	spdx := sign.Statement{PredicateType: sign.PredicateSPDX, Predicate: json.RawMessage(`{"spdxVersion":"SPDX-2.3"}`)}
	attachments, err := sign.Sign(ctx, image, "registry.corp/platform/nats", key, []sign.Statement{spdx}, sign.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var found recipes.Attached
	for _, a := range attachments {
		if a.Tag != "" {
			found.SetTag(a)
		}
	}
	_, err = sign.Verify(ctx, image.Digest, found, sign.Identity{Key: key},
		[]string{sign.PredicateSignature, sign.PredicateSPDX, sign.PredicateProvenance})
	fmt.Println(len(attachments), "attached")
	fmt.Println(err)
	// Output:
	// 4 attached
	// verifying provenance of sha256:4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f: none is attached
}
