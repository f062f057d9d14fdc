package vex

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead: what is read says the same when it is written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"@context": "https://openvex.dev/ns/v0.2.0", "author": "a", "version": 1, "timestamp": "2026-11-01T00:00:00Z", "statements": [
		{"vulnerability": {"name": "CVE-1", "aliases": ["GO-1"]}, "products": [{"@id": "pkg:oci/a", "hashes": {"sha-256": "00"}, "subcomponents": [{"@id": "pkg:golang/a"}]}],
		"status": "not_affected", "justification": "component_not_present", "status_notes": "expires: 2026-12-01\nx", "timestamp": "2026-11-02T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Read(text)
		if err != nil {
			return
		}
		for _, s := range d.About(nil, "here") {
			if s.Status == "" || len(s.Vulnerabilities) == 0 || s.Vulnerabilities[0] == "" {
				t.Errorf("a statement about nothing: %+v", s)
			}
		}
		written, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(written)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, written)
		}
		d.Timestamp, again.Timestamp = "", ""
		if diff := cmp.Diff(d.About(nil, "here"), again.About(nil, "here")); diff != "" {
			t.Errorf("(-read +again):\n%s", diff)
		}
	})
}
