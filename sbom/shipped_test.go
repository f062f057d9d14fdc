package sbom

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShippedOf(t *testing.T) {
	list, coverage, err := ShippedOf([]byte(`{"spdxVersion":"SPDX-2.3",
"comment":"Coverage: 9 of 10 files, 0 of 0 bytes, 3 of 3 Go modules belong to a package of this document.\nNot covered: 1 of 99 things",
"packages":[{"SPDXID":"A","name":"image"},{"SPDXID":"B","name":"lib","versionInfo":"1","licenseConcluded":"MIT","licenseDeclared":"ISC"},
{"SPDXID":"C","name":"gcc","licenseDeclared":"GPL-3.0-only"},{"SPDXID":"D","name":"mod","licenseConcluded":"NOASSERTION","licenseDeclared":"ISC"},{"SPDXID":"E","name":"unknown"}],
"relationships":[{"spdxElementId":"A","relationshipType":"CONTAINS","relatedSpdxElement":"B"},{"spdxElementId":"C","relationshipType":"BUILD_TOOL_OF","relatedSpdxElement":"A"},
{"spdxElementId":"A","relationshipType":"DEPENDS_ON","relatedSpdxElement":"D"},{"spdxElementId":"F","relationshipType":"STATIC_LINK","relatedSpdxElement":"E"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Shipped{{"lib", "1", "MIT"}, {"mod", "", "ISC"}, {"unknown", "", "NOASSERTION"}}
	if diff := cmp.Diff(want, list); diff != "" || coverage != 90 {
		t.Errorf("coverage %v (-want +got):\n%s", coverage, diff)
	}
}

func TestCoverageIn(t *testing.T) {
	for comment, want := range map[string]float64{
		"": -1, "9 of 10 files": -1, "Coverage: unknown": -1, "Coverage: 11 of 10 files": -1, "Coverage: 10 of 10 files, 1 of 4 bytes": 25,
		"Coverage: 0 of 0 files": 100,
	} {
		if got := coverageIn(comment); got != want {
			t.Errorf("%q: got %v, want %v", comment, got, want)
		}
	}
	for _, text := range []string{"", "[]", `{"spdxVersion":"SPDX-3.0"}`} {
		if _, _, err := ShippedOf([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
