//go:build kms || pkcs11key

package sign

import (
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// checkSigns has a key sign, wherever it is held, and its public half verify
// what is in each layout by itself.
func checkSigns(t *testing.T, key *Key) {
	t.Helper()
	subject := imageNamed(t, "nats")
	found, _ := attachedTo(t, subject, key, recipes.Attached{})
	public, err := LoadPublicKey(key.PublicPEM())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []recipes.Attached{onlyBundles(found.Bundles...), onlyTags(found)} {
		if _, err := Verify(t.Context(), subject.Digest, part, Identity{Key: public}, keylessRequired); err != nil {
			t.Error(err)
		}
	}
}
