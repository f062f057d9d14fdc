package sbom

import (
	"archive/tar"
	"bytes"
	"crypto/sha1" //nolint:gosec // SPDX 2.3 demands SHA1
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

var update = flag.Bool("update", false, "write golden files: go test ./sbom -run Golden -update")

func describe(t testing.TB, in Input) (*v2_3.Document, []byte) {
	t.Helper()
	doc, _, err := Describe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, data
}

func TestDescribeGolden(t *testing.T) {
	const golden = "testdata/served.spdx.json"
	_, data := describe(t, fixture(t))
	var got bytes.Buffer
	if err := json.Indent(&got, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("document differs (-want +got; -update writes it):\n%s", diff)
	}
}

func TestDescribeIsValid(t *testing.T) {
	doc, data := describe(t, fixture(t))
	checkShape(t, data)
	checkMeaning(t, doc)
	if strings.Contains(string(data), "secret") {
		t.Error("document has the password of a source's URL")
	}
}

func TestMarshalReadsBack(t *testing.T) {
	doc, data := describe(t, fixture(t))
	got, err := spdxjson.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	ignore := cmpopts.IgnoreFields(v2_3.Package{}, "IsFilesAnalyzedTagPresent")
	if diff := cmp.Diff(doc, got, ignore, cmpopts.IgnoreUnexported(v2_3.Package{})); diff != "" {
		t.Errorf("document differs after reading (-written +read):\n%s", diff)
	}
}

func TestDescribeIsDeterministic(t *testing.T) {
	in := fixture(t)
	_, want := describe(t, in)
	for i := range 25 {
		in := fixture(t)
		slices.Reverse(in.Content.Files)
		slices.Reverse(in.Content.Packages)
		if _, got := describe(t, in); !bytes.Equal(got, want) {
			t.Fatalf("run %d gave other bytes", i)
		}
	}
}

func TestDescribeErrors(t *testing.T) {
	orphan := regular("/orphan", "", 0o644)
	tests := []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"unowned file", func(in *Input) { in.Content.Files = append(in.Content.Files, orphan) },
			"accounting for files: /orphan: no package owns it"},
		{"unowned folder", func(in *Input) { in.Content.Files[0].Owner = "" },
			"accounting for files: /usr: no package owns it"},
		{"unknown owner", func(in *Input) { in.Content.Files[1].Owner = "deb:ghost" },
			`accounting for files: /usr/bin/served: its owner "deb:ghost" is not in the image`},
		{"no digest", func(in *Input) { in.Content.Files[1].SHA1 = "" },
			"accounting for files: /usr/bin/served has no sha1 and sha256"},
		{"twice", func(in *Input) { in.Content.Files = append(in.Content.Files, in.Content.Files[1]) },
			"accounting for files: /usr/bin/served is listed twice"},
		{"device", func(in *Input) { in.Content.Files[1].Type = tar.TypeChar },
			"accounting for files: /usr/bin/served is of type '3', want file, folder or symlink"},
		{"platform", func(in *Input) { in.Platform = "linux/riscv64" },
			`describing image: the lock has no platform "linux/riscv64"`},
		{"sources", func(in *Input) { in.Lock.Sources = in.Lock.Sources[:1] },
			"describing sources: the recipe has 5, its lock 1"},
		{"base without digest", func(in *Input) { in.Recipe.Image.Base = "static" },
			"describing base-image: "},
		{"unreadable program", func(in *Input) {
			in.Open = func(string) (File, error) { return nil, os.ErrPermission }
		}, "reading what /etc/served.conf is made of: permission denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := fixture(t)
			tt.change(&in)
			if _, _, err := Describe(t.Context(), in); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestUnownedError(t *testing.T) {
	in := fixture(t)
	var want []string
	for i := range 7 {
		path := fmt.Sprintf("/orphan/%d", i)
		in.Content.Files = append(in.Content.Files, regular(path, "", 0o644))
		want = append(want, path)
	}
	_, _, err := Describe(t.Context(), in)
	var unowned *UnownedError
	if !errors.As(err, &unowned) {
		t.Fatalf("got error %v, want an UnownedError", err)
	}
	if diff := cmp.Diff(want, unowned.Paths); diff != "" {
		t.Errorf("paths differ (-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "/orphan/4 and 2 more: ") {
		t.Errorf("got %q, want it to count the paths it leaves out", err)
	}
}

func TestSummarize(t *testing.T) {
	doc, _ := describe(t, fixture(t))
	want := Stats{Packages: 8, Build: 4, Files: 9, Owned: 9}
	got := Summarize(doc)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats differ (-want +got):\n%s", diff)
	}
	doc.Relationships = slices.DeleteFunc(doc.Relationships, func(r *v2_3.Relationship) bool {
		return r.Relationship == common.TypeRelationshipContains && strings.Contains(string(r.RefB.ElementRefID), "passwd")
	})
	if got := Summarize(doc); got.Owned != want.Owned-1 || got.Files != want.Files {
		t.Errorf("with an unowned file it counts %+v", got)
	}
}

// checkMeaning checks what SPDX asks for beyond the shape of the JSON.
func checkMeaning(t *testing.T, doc *v2_3.Document) {
	t.Helper()
	known := map[common.ElementID]bool{doc.SPDXIdentifier: true}
	learn := func(id common.ElementID) {
		if known[id] {
			t.Errorf("id %s is used twice", id)
		}
		known[id] = true
	}
	sha1s := map[common.ElementID]string{}
	for _, p := range doc.Packages {
		learn(p.PackageSPDXIdentifier)
	}
	for _, f := range doc.Files {
		learn(f.FileSPDXIdentifier)
		if len(f.Checksums) != 2 || f.Checksums[0].Algorithm != common.SHA1 || f.Checksums[1].Algorithm != common.SHA256 {
			t.Errorf("file %s has checksums %v, want SHA1 and SHA256", f.FileName, f.Checksums)
			continue
		}
		sha1s[f.FileSPDXIdentifier] = f.Checksums[0].Value
	}
	contained := map[common.ElementID][]string{}
	for _, r := range doc.Relationships {
		for _, id := range []common.ElementID{r.RefA.ElementRefID, r.RefB.ElementRefID} {
			if !known[id] {
				t.Errorf("relationship %v names %s, which is not in the document", r.Relationship, id)
			}
		}
		if sum := sha1s[r.RefB.ElementRefID]; sum != "" && r.Relationship == common.TypeRelationshipContains {
			contained[r.RefA.ElementRefID] = append(contained[r.RefA.ElementRefID], sum)
		}
	}
	for _, p := range doc.Packages {
		checkVerification(t, p, contained[p.PackageSPDXIdentifier])
	}
	checkLicenses(t, doc)
}

func checkVerification(t *testing.T, p *v2_3.Package, sums []string) {
	t.Helper()
	if len(sums) == 0 {
		if p.FilesAnalyzed || p.PackageVerificationCode != nil {
			t.Errorf("package %s has no files, but says they were analyzed", p.PackageName)
		}
		return
	}
	slices.Sort(sums)
	sum := sha1.Sum([]byte(strings.Join(sums, ""))) //nolint:gosec // SPDX 2.3 demands SHA1
	if got := p.PackageVerificationCode; got == nil || got.Value != hex.EncodeToString(sum[:]) {
		t.Errorf("package %s has verification code %v, want %x", p.PackageName, got, sum)
	}
}

// checkLicenses checks that every unlisted license that is referred to is
// there with a text, and that every one that is there is referred to.
func checkLicenses(t *testing.T, doc *v2_3.Document) {
	t.Helper()
	refs := map[string]bool{}
	for _, p := range doc.Packages {
		for _, w := range strings.FieldsFunc(p.PackageLicenseDeclared, func(r rune) bool { return strings.ContainsRune(" ()", r) }) {
			refs[w] = strings.HasPrefix(w, "LicenseRef-")
		}
	}
	for _, l := range doc.OtherLicenses {
		if !refs[l.LicenseIdentifier] || l.ExtractedText == "" {
			t.Errorf("license %s is not referred to, or has no text", l.LicenseIdentifier)
		}
		delete(refs, l.LicenseIdentifier)
	}
	for ref, unlisted := range refs {
		if unlisted {
			t.Errorf("license %s is not in the document", ref)
		}
	}
}

func BenchmarkDescribe10000Files(b *testing.B) {
	in := fixture(b)
	for i := range 10_000 {
		in.Content.Files = append(in.Content.Files,
			regular(fmt.Sprintf("/usr/share/zoneinfo/area-%d/place-%d", i%100, i), recipes.OwnerDebian("tzdata"), 0o644))
	}
	in.Content.Files = byPath(in.Content.Files)
	b.Run("describe", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := Describe(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("marshal", func(b *testing.B) {
		doc, data := describe(b, in)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := Marshal(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}
