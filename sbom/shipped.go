package sbom

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Shipped is a component that is in an image, as its document has it.
type Shipped struct {
	Name, Version string
	// License is an SPDX expression, the concluded one where there is one, and
	// NOASSERTION where nobody knows.
	License string
}

// ShippedOf reads from the JSON of an SPDX 2 document what is in the software
// that it describes, and how much of it that accounts for, in percent: a
// negative number where it does not say. What served the build alone is not in
// it.
func ShippedOf(text []byte) (list []Shipped, coverage float64, err error) {
	var doc struct {
		Version  string `json:"spdxVersion"`
		Comment  string `json:"comment"`
		Packages []struct {
			ID        string `json:"SPDXID"`
			Name      string `json:"name"`
			Version   string `json:"versionInfo"`
			Declared  string `json:"licenseDeclared"`
			Concluded string `json:"licenseConcluded"`
		} `json:"packages"`
		Relationships []struct {
			Kind string `json:"relationshipType"`
			B    string `json:"relatedSpdxElement"`
		} `json:"relationships"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, -1, fmt.Errorf("reading SPDX document: %w", err)
	}
	if !strings.HasPrefix(doc.Version, "SPDX-2.") {
		return nil, -1, errors.New("reading SPDX document: it is none of SPDX 2")
	}
	parts := map[string]bool{}
	for _, r := range doc.Relationships {
		switch r.Kind {
		case "CONTAINS", "DEPENDS_ON", "STATIC_LINK", "DYNAMIC_LINK":
			parts[r.B] = true
		}
	}
	for _, p := range doc.Packages {
		if !parts[p.ID] {
			continue
		}
		s := Shipped{Name: p.Name, Version: p.Version, License: p.Concluded}
		if s.License == "" || s.License == noAssertion {
			s.License = p.Declared
		}
		if s.License == "" {
			s.License = noAssertion
		}
		list = append(list, s)
	}
	return list, coverageIn(doc.Comment), nil
}

// covered is how a document states its coverage, part by part.
var covered = regexp.MustCompile(`(\d+) of (\d+) `)

// coverageIn is the least of the shares that a document's comment states.
func coverageIn(comment string) float64 {
	line, _, _ := strings.Cut(comment, "\n")
	said, ok := strings.CutPrefix(line, "Coverage: ")
	if !ok {
		return -1
	}
	least := -1.0
	for _, m := range covered.FindAllStringSubmatch(said, -1) {
		part, err := strconv.ParseFloat(m[1], 64)
		all, err2 := strconv.ParseFloat(m[2], 64)
		if err != nil || err2 != nil || part > all {
			return -1
		}
		share := 100.0
		if all > 0 {
			share = 100 * part / all
		}
		if least < 0 || share < least {
			least = share
		}
	}
	return least
}
