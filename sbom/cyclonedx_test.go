package sbom

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/spdx/tools-golang/spdx/v2/common"
)

// cyclonedxSchema is the schema of CycloneDX 1.6, which comes with its
// library.
func cyclonedxSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	for file, url := range map[string]string{
		"bom-1.6.schema.json": "http://cyclonedx.org/schema/bom-1.6.schema.json", "spdx.schema.json": "http://cyclonedx.org/schema/spdx.schema.json",
		"jsf-0.82.schemax.json": "http://cyclonedx.org/schema/jsf-0.82.schema.json",
	} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, schema); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func convert(t *testing.T, doc *Document) ([]byte, *cdx.BOM) {
	t.Helper()
	text, err := CycloneDX(doc)
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	return text, &bom
}

func TestCycloneDXIsValid(t *testing.T) {
	schema := cyclonedxSchema(t)
	doc, _ := describe(t, fixture(t))
	text, _ := convert(t, doc)
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
	object, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("it is a %T", value)
	}
	object["specVersion"] = 7
	if schema.Validate(value) == nil {
		t.Error("the schema takes anything")
	}
}

// TestCycloneDXLosesNothing looks for every package, file, relationship and
// license text.
func TestCycloneDXLosesNothing(t *testing.T) {
	doc, _ := describe(t, fixture(t))
	text, bom := convert(t, doc)
	refs := map[string]cdx.Component{}
	var walk func(list *[]cdx.Component)
	walk = func(list *[]cdx.Component) {
		if list == nil {
			return
		}
		for _, c := range *list {
			if _, twice := refs[c.BOMRef]; twice {
				t.Errorf("%s is there twice", c.BOMRef)
			}
			refs[c.BOMRef] = c
			walk(c.Components)
		}
	}
	walk(bom.Components)
	walk(&[]cdx.Component{*bom.Metadata.Component})
	for _, p := range doc.Packages {
		c := refs[ref(p.PackageSPDXIdentifier)]
		if c.Name != p.PackageName || c.Version != p.PackageVersion || c.PackageURL != purlOf(p) {
			t.Errorf("%s became %s %s %s", ref(p.PackageSPDXIdentifier), c.Name, c.Version, c.PackageURL)
		}
	}
	for _, f := range doc.Files {
		c := refs[ref(f.FileSPDXIdentifier)]
		if "."+c.Name != f.FileName || c.Hashes == nil || (*c.Hashes)[1].Value != f.Checksums[1].Value {
			t.Errorf("%s became %s", f.FileName, c.Name)
		}
	}
	for _, l := range doc.OtherLicenses {
		encoded, err := json.Marshal(cdx.Property{Name: "spdx:license:" + l.LicenseIdentifier, Value: l.ExtractedText})
		if err != nil || !bytes.Contains(text, encoded) && !bytes.Contains(text, []byte("spdx:license:"+l.LicenseIdentifier)) {
			t.Errorf("the text of %s is lost", l.LicenseIdentifier)
		}
	}
	for _, r := range doc.Relationships {
		a, b := refs[ref(r.RefA.ElementRefID)], ref(r.RefB.ElementRefID)
		if r.Relationship == common.TypeRelationshipDescribe {
			continue
		}
		if !hasRelationship(bom, a, r.Relationship, b) {
			t.Errorf("%s %s %s is lost", a.BOMRef, r.Relationship, b)
		}
	}
}

func hasRelationship(bom *cdx.BOM, a cdx.Component, kind, b string) bool {
	for _, p := range *a.Properties {
		if p.Name == "spdx:relationship" && p.Value == kind+" "+b {
			return true
		}
	}
	if kind == common.TypeRelationshipContains && a.Components != nil {
		for _, c := range *a.Components {
			if c.BOMRef == b {
				return true
			}
		}
	}
	for _, d := range *bom.Dependencies {
		if d.Ref == a.BOMRef && strings.Contains(strings.Join(*d.Dependencies, " ")+" ", b+" ") {
			return kind == common.TypeRelationshipDependsOn
		}
	}
	return false
}

func TestCycloneDXIsDeterministic(t *testing.T) {
	doc, _ := describe(t, fixture(t))
	want, bom := convert(t, doc)
	if bom.SerialNumber != serial(doc.DocumentNamespace) || bom.Metadata.Timestamp != doc.CreationInfo.Created {
		t.Errorf("serial number %s, time %s", bom.SerialNumber, bom.Metadata.Timestamp)
	}
	for range 25 {
		doc, _ := describe(t, fixture(t))
		if got, _ := convert(t, doc); !bytes.Equal(got, want) {
			t.Fatal("the same document gives other bytes")
		}
	}
	if got, want := serial("http://www.example.com/"), "urn:uuid:fcde3c85-2270-590f-9e7c-ee003d65e0e2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCompare(t *testing.T) {
	from, _ := describe(t, fixture(t))
	in := fixture(t)
	for i, p := range in.Content.Packages {
		if p.Name == "zlib1g" {
			in.Content.Packages[i].Version = "1:1.3.2-1"
			in.Content.Packages[i].Copyright = ""
		}
	}
	in.Content.Files[1].SHA256 = sha256Hex("other")
	in.Content.Files = append(in.Content.Files, regular("/usr/bin/more", "service", 0o755))
	in.Lock.Platforms[0].Build = in.Lock.Platforms[0].Build[:2]
	to, _ := describe(t, in)
	got := Compare(from, to)
	if diff := cmp.Diff([]Change{{"pkg:deb/debian/zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "1:1.3.2-1"}}, got.Packages.Changed); diff != "" {
		t.Errorf("packages differ (-want +got):\n%s", diff)
	}
	if len(got.Licenses) != 1 || got.Licenses[0].To != noAssertion {
		t.Errorf("got licenses %v", got.Licenses)
	}
	wantFiles := Changes{
		Added:   []Item{{"/usr/bin/more", "sha256:" + sha256Hex("/usr/bin/more")}},
		Changed: []Change{{"/usr/bin/served", "sha256:" + sha256Hex("/usr/bin/served"), "sha256:" + sha256Hex("other")}},
	}
	if diff := cmp.Diff(wantFiles, got.Files); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	if same := Compare(from, from); !same.Packages.Empty() || !same.Files.Empty() || !same.Build.Empty() || same.Licenses != nil {
		t.Errorf("a document differs from itself: %+v", same)
	}
	if back := Compare(to, from); len(back.Files.Removed) != 1 || len(back.Packages.Changed) != 1 {
		t.Errorf("backwards: %+v", back)
	}
}
