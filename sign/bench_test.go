package sign_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

// An image of the usual size, and one with a whole distribution in it.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{61, 10000} {
		var files []string
		for i := range n {
			files = append(files, fmt.Sprintf(`{"SPDXID":"SPDXRef-File-%d","fileName":"./usr/lib/x/%d","checksums":[{"algorithm":"SHA1","checksumValue":"%040d"},{"algorithm":"SHA256","checksumValue":"%064d"}],"licenseConcluded":"NOASSERTION","copyrightText":"NOASSERTION"}`, i, i, i, i))
		}
		st := statements()
		st[0].Predicate = json.RawMessage(`{"files":[` + strings.Join(files, ",") + `]}`)
		subject, key := newSubject(b), newKey(b)
		found := attached(b, mustSign(b, subject, key, st, recipes.Attached{}))
		b.Run(fmt.Sprint("bundles/", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := sign.Verify(b.Context(), subject.Digest, recipes.Attached{Bundles: found.Bundles}, sign.Identity{Key: key}, all); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("tags/", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := sign.Verify(b.Context(), subject.Digest, recipes.Attached{Signatures: found.Signatures, Attestations: found.Attestations}, sign.Identity{Key: key}, all); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
