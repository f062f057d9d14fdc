package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// spdx is what matters here of an SPDX 2.3 document.
type spdx struct {
	Version  string `json:"spdxVersion"`
	Packages []struct {
		ID      string `json:"SPDXID"`
		Name    string `json:"name"`
		Version string `json:"versionInfo"`
		Refs    []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	} `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type relationship struct {
	A    string `json:"spdxElementId"`
	Kind string `json:"relationshipType"`
	B    string `json:"relatedSpdxElement"`
}

// ReadDocument reads the components from an SPDX 2 document in JSON, of
// whatever tool. What the document says only served to build or test the
// software is not among them.
func ReadDocument(text []byte) (Inventory, error) {
	var doc spdx
	if err := json.Unmarshal(text, &doc); err != nil {
		return Inventory{}, fmt.Errorf("reading SPDX document: %w", err)
	}
	if !strings.HasPrefix(doc.Version, "SPDX-2.") {
		return Inventory{}, errors.New("reading SPDX document: it is none of SPDX 2, whose spdxVersion is SPDX-2.3")
	}
	outside := outside(doc.Relationships)
	var in Inventory
	for _, p := range doc.Packages {
		if outside[p.ID] {
			continue
		}
		found := false
		for _, r := range p.Refs {
			if r.Type == "purl" {
				found = true
				in.add(r.Locator)
			}
		}
		if !found {
			in.Unmatched = append(in.Unmatched, Unmatched{strings.TrimSpace(p.Name + " " + p.Version), "it has no package URL"})
		}
	}
	in.sort()
	return in, nil
}

// outside are the elements that are not part of the software: tools and
// dependencies of its build and tests, and what only these were made from
// (SPDX 2.3, section 11.1). What anything says is a part of the software is one.
func outside(all []relationship) map[string]bool {
	tools, parts, of, products := map[string]bool{}, map[string]bool{}, map[string][]string{}, map[string]int{}
	for _, r := range all {
		switch r.Kind {
		case "BUILD_TOOL_OF", "BUILD_DEPENDENCY_OF", "DEV_TOOL_OF", "DEV_DEPENDENCY_OF", "TEST_TOOL_OF", "TEST_DEPENDENCY_OF", "TEST_OF":
			tools[r.A] = true
		case "CONTAINS", "DEPENDS_ON", "STATIC_LINK", "DYNAMIC_LINK", "DESCRIBES":
			parts[r.B] = true
		case "CONTAINED_BY", "DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF", "DESCRIBED_BY":
			parts[r.A] = true
		case "GENERATED_FROM":
			of[r.A] = append(of[r.A], r.B)
			products[r.B]++
		case "GENERATES":
			of[r.B] = append(of[r.B], r.A)
			products[r.A]++
		}
	}
	var next []string
	for id := range tools {
		next = append(next, id)
	}
	out := map[string]bool{}
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		if parts[id] || out[id] {
			continue
		}
		out[id] = true
		for _, from := range of[id] {
			if products[from]--; products[from] == 0 {
				next = append(next, from)
			}
		}
	}
	return out
}
