//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// TestSchemas holds what kiln attaches to a real image to the schemas of those
// who specified it, and makes sure that each of these refuses what is broken.
func TestSchemas(t *testing.T) {
	b := newBed(t)
	out := b.build(t, b.copyRecipe(t, probe), "probe")
	image := b.Addr + "/probe@" + out.Digest
	seen := map[string]bool{}
	for _, file := range bundles(t, b, image, t.TempDir()) {
		statement := envelopeIn(t, file)
		var about struct {
			PredicateType string          `json:"predicateType"`
			Predicate     json.RawMessage `json:"predicate"`
		}
		if err := json.Unmarshal(statement, &about); err != nil {
			t.Fatal(err)
		}
		seen[about.PredicateType] = true
		t.Run(filepath.Base(about.PredicateType), func(t *testing.T) {
			form := checkStatementForm
			if about.PredicateType == signatureType {
				form = checkSignatureForm
			}
			judge(t, "statement", form, statement, "predicateType", "_type", "subject")
			switch about.PredicateType {
			case spdxType:
				judge(t, "SPDX", schemaOf(t, "github.com/anchore/syft@v1.50.0", "schema/spdx-json", map[string]string{
					"spdx-schema-2.3.json": "http://spdx.org/rdf/terms/2.3",
				}), about.Predicate, "SPDXID", "spdxVersion", "creationInfo")
			case provenanceType:
				judge(t, "provenance", checkProvenance, about.Predicate, "buildDefinition", "runDetails")
			case testResult:
				judge(t, "test result", checkTestResult, about.Predicate)
			}
		})
	}
	for _, predicate := range statements {
		if !seen[predicate] {
			t.Errorf("nothing of type %s is attached", predicate)
		}
	}
	t.Run("CycloneDX", func(t *testing.T) {
		r := b.must(t, "kiln", "sbom", image, "--format", "cyclonedx", "--key", b.pub, "--registry-ca", b.CAFile)
		judge(t, "CycloneDX", schemaOf(t, "github.com/CycloneDX/cyclonedx-go", "schema", map[string]string{
			"bom-1.6.schema.json": "http://cyclonedx.org/schema/bom-1.6.schema.json", "spdx.schema.json": "http://cyclonedx.org/schema/spdx.schema.json",
			"jsf-0.82.schemax.json": "http://cyclonedx.org/schema/jsf-0.82.schema.json",
		}), []byte(r.stdout), "bomFormat", "specVersion")
	})
}

// check tells what is wrong with a document.
type check func(document []byte) error

// judge has a check pass the document as it is, and refuse it cut off, without
// each of the fields, and with a number in place of any list or object.
func judge(t *testing.T, name string, valid check, document []byte, fields ...string) {
	t.Helper()
	if err := valid(document); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(document, &object); err != nil {
		t.Fatal(err)
	}
	broken := map[string][]byte{"cut off": document[:len(document)/2]}
	for field, value := range object {
		if value[0] == '[' || value[0] == '{' {
			broken["with a number as "+field] = without(t, object, field, json.RawMessage("7"))
		}
	}
	for _, field := range fields {
		broken["without "+field] = without(t, object, field, nil)
	}
	for how, text := range broken {
		if valid(text) == nil {
			t.Errorf("%s %s passes", name, how)
		}
	}
}

// without is an object with another value for a field, or with none.
func without(t *testing.T, object map[string]json.RawMessage, field string, value json.RawMessage) []byte {
	t.Helper()
	changed := maps.Clone(object)
	delete(changed, field)
	if value != nil {
		changed[field] = value
	}
	text, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// envelopeIn is the statement in a bundle's file.
func envelopeIn(t *testing.T, file string) []byte {
	t.Helper()
	envelope, ok := readBundle(t, file)["dsseEnvelope"].(map[string]any)
	if !ok {
		t.Fatalf("%s has no envelope", file)
	}
	text, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// schemaOf compiles a schema out of a module, whose files have these URLs; the
// first of them by its name is the one to check with.
func schemaOf(t *testing.T, module, dir string, files map[string]string) check {
	t.Helper()
	args := []string{"list", "-m", "-json", module}
	if strings.Contains(module, "@") { // none that kiln itself needs
		args = []string{"mod", "download", "-json", module}
	}
	out, err := exec.Command("go", args...).Output() //nolint:gosec // the test names it
	if err != nil {
		t.Fatal(err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil || found.Dir == "" {
		t.Fatalf("finding %s: %v", module, err)
	}
	c := jsonschema.NewCompiler()
	first := ""
	for file, url := range files {
		text, err := os.Open(filepath.Join(found.Dir, filepath.FromSlash(dir), file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(text)
		if err := errors.Join(err, text.Close(), c.AddResource(url, schema)); err != nil {
			t.Fatal(err)
		}
		if first == "" || file < first {
			first = file
		}
	}
	schema, err := c.Compile(files[first])
	if err != nil {
		t.Fatal(err)
	}
	return func(document []byte) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(document)))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
}

// checkStatementForm is in-toto's own check of a statement (attestation spec,
// v1/statement.md); fields that it does not have are errors.
func checkStatementForm(document []byte) error {
	return checkProto(document, &intoto.Statement{}, (*intoto.Statement).Validate)
}

// checkSignatureForm is the same for cosign's statement that an image is signed,
// which has no predicate. It need not have one, but in-toto's check asks for it.
func checkSignatureForm(document []byte) error {
	return checkProto(document, &intoto.Statement{}, func(s *intoto.Statement) error {
		if err := s.Validate(); !errors.Is(err, intoto.ErrPredicateRequired) {
			return err
		}
		return nil
	})
}

// checkProvenance is that of SLSA provenance v1.
func checkProvenance(document []byte) error {
	return checkProto(document, &provenance.Provenance{}, (*provenance.Provenance).Validate)
}

// checkTestResult is that of in-toto's test result, which has no more rules than
// its fields.
func checkTestResult(document []byte) error {
	return checkProto(document, &testresult.TestResult{}, func(*testresult.TestResult) error { return nil })
}

func checkProto[M proto.Message](document []byte, m M, valid func(M) error) error {
	if err := protojson.Unmarshal(document, m); err != nil {
		return err
	}
	return valid(m)
}
