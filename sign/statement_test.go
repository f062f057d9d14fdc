package sign

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestReadStatement(t *testing.T) {
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("4f", 32)}
	subject := `"subject":[{"digest":{"sha256":"` + hash.Hex + `"}}]`
	tests := []struct {
		payload string
		ok, is  bool
	}{
		{`{"_type":"x",` + subject + `,"predicateType":"p","predicate":{"a":1}}`, true, true},
		{`{"_type":"x","subject":[{"digest":{"sha256":"00"}}],"predicateType":"p"}`, true, false},
		{`{"_type":"x","subject":[{"digest":{"SHA256":"` + hash.Hex + `"}}],"predicateType":"p"}`, true, false},
		{`{"_type":"x",` + subject + `,"predicateType":"p","PredicateType":"q"}`, false, false},
		{`{"subject":{}}`, false, false},
		{`[]`, false, false},
		{``, false, false},
	}
	for _, tt := range tests {
		got, err := readStatement([]byte(tt.payload))
		if (err == nil) != tt.ok || got.is(hash) != tt.is {
			t.Errorf("%s: got about it %t, %v, want %t, no error %t", tt.payload, got.is(hash), err, tt.is, tt.ok)
		}
	}
}

func TestPayloadReadsBack(t *testing.T) {
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("4f", 32)}
	payload, err := Statement{PredicateType: PredicateSPDX, Predicate: []byte(`{"a":"<b>"}`)}.payload(hash, "registry.example/x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readStatement(payload)
	if err != nil || got.PredicateType != PredicateSPDX || !got.is(hash) {
		t.Errorf("got %+v, %v", got, err)
	}
}
