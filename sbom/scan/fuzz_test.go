package scan

import "testing"

// FuzzReadDocument: every package of a document that is read is a component, is
// named as not matched, or is no part of the software; and components can be
// matched.
func FuzzReadDocument(f *testing.F) {
	f.Add([]byte(`{"spdxVersion": "SPDX-2.3", "packages": [
		{"SPDXID": "A", "name": "a", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:golang/a@v1"}]},
		{"SPDXID": "B", "name": "b", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/b@1?distro=debian-13&upstream=c%401"}]}],
		"relationships": [{"spdxElementId": "A", "relationshipType": "BUILD_TOOL_OF", "relatedSpdxElement": "B"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		in, err := ReadDocument(text)
		if err != nil {
			return
		}
		for _, c := range in.Components {
			if c.Ecosystem == "" || c.Name == "" || c.Version == "" || len(c.PURLs) == 0 {
				t.Errorf("a component that nothing can be about: %+v", c)
			}
			if !c.is(c.PURLs[0]) {
				t.Errorf("%+v is not what its own package URL names", c)
			}
		}
		for _, u := range in.Unmatched {
			if u.Reason == "" {
				t.Errorf("%q is not matched, for no reason", u.Name)
			}
		}
	})
}
