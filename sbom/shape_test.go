package sbom

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shape is what the JSON form of SPDX 2.3 allows for one kind of object: the
// properties it must have and those it may have besides. Nothing else may
// stand in it.
type shape struct{ must, may string }

// shapes are written after the SPDX 2.3 specification, clauses 6 to 11 and the
// JSON names in its annex, for the kinds of object that this package writes.
var shapes = map[string]shape{
	"document": {"SPDXID creationInfo dataLicense name spdxVersion documentNamespace",
		"packages files relationships hasExtractedLicensingInfos comment documentDescribes externalDocumentRefs"},
	"externalDocumentRefs": {"externalDocumentId spdxDocument checksum", ""},
	"checksum":             {"algorithm checksumValue", ""},
	"creationInfo":         {"created creators", "comment licenseListVersion"},
	"packages": {"SPDXID downloadLocation name",
		"versionInfo packageFileName supplier filesAnalyzed packageVerificationCode checksums homepage sourceInfo " +
			"licenseConcluded licenseInfoFromFiles licenseDeclared licenseComments copyrightText summary description " +
			"comment externalRefs primaryPackagePurpose"},
	"packageVerificationCode":    {"packageVerificationCodeValue", ""},
	"checksums":                  {"algorithm checksumValue", ""},
	"externalRefs":               {"referenceCategory referenceType referenceLocator", "comment"},
	"files":                      {"SPDXID checksums fileName", "fileTypes licenseConcluded licenseInfoInFiles copyrightText comment"},
	"relationships":              {"spdxElementId relatedSpdxElement relationshipType", "comment"},
	"hasExtractedLicensingInfos": {"extractedText licenseId", "name comment seeAlsos"},
}

// formats are what values must look like, by the property's name.
var formats = map[string]*regexp.Regexp{
	"SPDXID":                       regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`),
	"spdxElementId":                regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`),
	"externalDocumentId":           regexp.MustCompile(`^DocumentRef-[A-Za-z0-9.+-]+$`),
	"spdxDocument":                 regexp.MustCompile(`^https://[^#\s]+$`),
	"relatedSpdxElement":           regexp.MustCompile(`^(DocumentRef-[A-Za-z0-9.+-]+:)?SPDXRef-[A-Za-z0-9.-]+$`),
	"spdxVersion":                  regexp.MustCompile(`^SPDX-2\.3$`),
	"dataLicense":                  regexp.MustCompile(`^CC0-1\.0$`),
	"documentNamespace":            regexp.MustCompile(`^https://[^#\s]+$`),
	"created":                      regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`),
	"creators":                     regexp.MustCompile(`^Tool: \S+-\S+$`),
	"supplier":                     regexp.MustCompile(`^(NOASSERTION|(Person|Organization): .+)$`),
	"packageVerificationCodeValue": regexp.MustCompile(`^[0-9a-f]{40}$`),
	"checksumValue":                regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`),
	"algorithm":                    regexp.MustCompile(`^(SHA1|SHA256)$`),
	"downloadLocation":             regexp.MustCompile(`^(NOASSERTION|https?://\S+|git\+(https|ssh)://\S+@[0-9a-f]{40})$`),
	"referenceCategory":            regexp.MustCompile(`^PACKAGE-MANAGER$`),
	"referenceType":                regexp.MustCompile(`^purl$`),
	"referenceLocator":             regexp.MustCompile(`^pkg:[a-z]+/[A-Za-z0-9.~_:%/-]+(@[A-Za-z0-9.~_:%-]+)?(\?[a-z_]+=[^&\s]+(&[a-z_]+=[^&\s]+)*)?$`),
	"licenseId":                    regexp.MustCompile(`^LicenseRef-[A-Za-z0-9.-]+$`),
	"licenseConcluded":             regexp.MustCompile(`^NOASSERTION$`),
	"licenseDeclared":              regexp.MustCompile(`^[A-Za-z0-9.+ ()-]+$`),
	"fileName":                     regexp.MustCompile(`^\./\S`),
	"fileTypes":                    regexp.MustCompile(`^(SOURCE|BINARY|ARCHIVE|APPLICATION|IMAGE|TEXT|DOCUMENTATION|OTHER)$`),
	"primaryPackagePurpose":        regexp.MustCompile(`^(APPLICATION|LIBRARY|CONTAINER|OPERATING_SYSTEM|SOURCE)$`),
	"relationshipType": regexp.MustCompile(`^(DESCRIBES|CONTAINS|GENERATED_FROM|DEPENDS_ON|STATIC_LINK|` +
		`DESCENDANT_OF|VARIANT_OF|DESCRIBED_BY|BUILD_TOOL_OF|BUILD_DEPENDENCY_OF)$`),
}

// checkShape checks a document's JSON against shapes and formats.
func checkShape(t *testing.T, data []byte) {
	t.Helper()
	var doc map[string]any
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for _, complaint := range complaints("document", doc) {
		t.Error(complaint)
	}
}

func complaints(key string, value any) []string {
	var all []string
	switch v := value.(type) {
	case map[string]any:
		all = complaintsOfObject(key, v)
	case []any:
		if len(v) == 0 {
			all = append(all, key+" is empty")
		}
		for _, e := range v {
			all = append(all, complaints(key, e)...)
		}
	case string:
		if f := formats[key]; v == "" || f != nil && !f.MatchString(v) {
			all = append(all, key+" is "+v)
		}
	}
	return all
}

func complaintsOfObject(key string, object map[string]any) []string {
	var all []string
	s, ok := shapes[key]
	if !ok {
		return []string{key + " is an object"}
	}
	must := strings.Fields(s.must)
	for _, k := range must {
		if _, ok := object[k]; !ok {
			all = append(all, key+" has no "+k)
		}
	}
	allowed := append(must, strings.Fields(s.may)...)
	for k, v := range object {
		if !slices.Contains(allowed, k) {
			all = append(all, key+" may not have "+k)
		}
		all = append(all, complaints(k, v)...)
	}
	return all
}

func TestComplaints(t *testing.T) {
	for _, bad := range []string{
		`{}`,
		`{"SPDXID": "SPDXRef-Ä"}`,
		`{"packages": [{"SPDXID": "SPDXRef-a", "name": "a", "downloadLocation": "NOASSERTION", "files": []}]}`,
		`{"relationships": [{"relationshipType": "EATS"}]}`,
	} {
		var doc map[string]any
		if err := json.Unmarshal([]byte(bad), &doc); err != nil {
			t.Fatal(err)
		}
		if len(complaints("document", doc)) == 0 {
			t.Errorf("no complaint about %s", bad)
		}
	}
}
