package sbom

import (
	"bytes"
	"fmt"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// Document is an SPDX 2.3 document.
type Document = v2_3.Document

// Read reads an SPDX 2.3 document from JSON.
func Read(text []byte) (*Document, error) {
	doc, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading spdx document: %w", err)
	}
	if doc.SPDXVersion != v2_3.Version {
		return nil, fmt.Errorf("reading spdx document: it is of the version %q, want %q", doc.SPDXVersion, v2_3.Version)
	}
	return doc, nil
}
