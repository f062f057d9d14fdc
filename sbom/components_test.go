package sbom

import (
	"archive/tar"
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // SPDX 2.3 demands SHA1
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// serve adds files to the service of a fixture.
func serve(in *Input, files map[string]string) {
	for p, text := range files {
		sum := sha1.Sum([]byte(text)) //nolint:gosec // see above
		in.Content.Files = append(in.Content.Files, recipes.File{
			Path: p, Type: tar.TypeReg, Mode: 0o644, Size: int64(len(text)), Owner: recipes.OwnerService,
			SHA1: hex.EncodeToString(sum[:]), SHA256: sha256Hex(text),
		})
	}
	in.Open = func(p string) (File, error) {
		text, ok := files[p]
		if !ok && !strings.HasSuffix(p, "RECORD") {
			text, ok = p, true // as fixture has it
		}
		if !ok {
			return nil, os.ErrNotExist
		}
		return struct {
			io.ReaderAt
			io.Closer
		}{strings.NewReader(text), io.NopCloser(nil)}, nil
	}
}

func fetches(ecosystem string, files ...string) recipes.LockedFetch {
	f := recipes.LockedFetch{Kind: ecosystem}
	for _, p := range files {
		f.Files = append(f.Files, recipes.FetchedFile{Ecosystem: ecosystem, Path: p, SHA256: sha256Hex(p)})
	}
	return f
}

func packageNamed(t *testing.T, doc *v2_3.Document, purl string) *v2_3.Package {
	t.Helper()
	for _, p := range doc.Packages {
		if slices.ContainsFunc(p.PackageExternalReferences, func(r *v2_3.PackageExternalReference) bool { return r.Locator == purl }) {
			return p
		}
	}
	t.Fatalf("there is no %s", purl)
	return nil
}

// filesOf are the paths of the files that a package contains.
func filesOf(doc *v2_3.Document, p *v2_3.Package) []string {
	names := map[common.ElementID]string{}
	for _, f := range doc.Files {
		names[f.FileSPDXIdentifier] = strings.TrimPrefix(f.FileName, ".")
	}
	var all []string
	for _, r := range doc.Relationships {
		if name := names[r.RefB.ElementRefID]; name != "" && r.RefA.ElementRefID == p.PackageSPDXIdentifier && r.Relationship == common.TypeRelationshipContains {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// TestComponents describes a tree as npm leaves one.
func TestComponents(t *testing.T) {
	in := fixture(t)
	in.Recipe.Build.Steps = []recipes.Step{{Npm: &recipes.NpmStep{Output: "/usr/lib/served"}}}
	in.Lock.Platforms[0].Fetches = []recipes.LockedFetch{fetches("npm", "@s/b/-/b-3.0.0.tgz", "unused/-/unused-1.0.0.tgz")}
	dir := "/usr/lib/served/"
	serve(&in, map[string]string{
		dir + "package.json":                                  `{"name": "served", "version": "1.4.2"}`,
		dir + "index.js":                                      "own",
		dir + "node_modules/@s/b/package.json":                `{"name": "@s/b", "version": "3.0.0", "license": "ISC"}`,
		dir + "node_modules/@s/b/lib/b.js":                    "b",
		dir + "node_modules/c/package.json":                   `{"name": "c", "version": "0.1.0", "license": "Apache 2.0"}`,
		dir + "node_modules/c/node_modules/@s/b/b.js":         "b again",
		dir + "node_modules/c/node_modules/@s/b/package.json": `{"name": "@s/b", "version": "3.0.0", "license": "ISC"}`,
	})
	doc, data := describe(t, in)
	checkShape(t, data)
	checkMeaning(t, doc)
	b := packageNamed(t, doc, "pkg:npm/%40s/b@3.0.0")
	if want := []common.Checksum{{Algorithm: common.SHA256, Value: sha256Hex("@s/b/-/b-3.0.0.tgz")}}; !cmp.Equal(want, b.PackageChecksums) || b.PackageLicenseDeclared != "ISC" {
		t.Errorf("the package of the lock has checksums %v and license %s", b.PackageChecksums, b.PackageLicenseDeclared)
	}
	nested := dir + "node_modules/c/node_modules/@s/b/"
	want := []string{dir + "node_modules/@s/b/lib/b.js", dir + "node_modules/@s/b/package.json", nested + "b.js", nested + "package.json"}
	if diff := cmp.Diff(want, filesOf(doc, b)); diff != "" {
		t.Errorf("files of a package that is there twice differ (-want +got):\n%s", diff)
	}
	c := packageNamed(t, doc, "pkg:npm/c@0.1.0")
	if c.PackageComment != unfetched || c.PackageChecksums != nil || c.PackageLicenseDeclared != "Apache-2.0" || !strings.Contains(c.PackageLicenseComments, "Apache 2.0") {
		t.Errorf("a package that the lock does not know says %q, %v, %s", c.PackageComment, c.PackageChecksums, c.PackageLicenseDeclared)
	}
	own := packageNamed(t, doc, "pkg:npm/served@1.4.2")
	if own.PrimaryPackagePurpose != "APPLICATION" || !slices.Contains(filesOf(doc, own), dir+"index.js") {
		t.Errorf("the project itself is not the service, but %v", own)
	}
	if strings.Contains(string(data), "unused") {
		t.Error("the document has what was fetched and is not there")
	}
}

// What lies beside a Python project, or within another distribution, is not the
// service.
func TestPythonProject(t *testing.T) {
	const site = "/usr/lib/served/"
	for wheels, want := range map[string][]string{"": {"other"}, "vendor": {"other", "beside"}} {
		in := fixture(t)
		in.Recipe.Build.Steps = []recipes.Step{{Python: &recipes.PythonStep{Project: ".", Wheels: wheels, Output: site}}}
		serve(&in, map[string]string{
			site + "Served-1.4.2.dist-info/METADATA":            "Name: Served\nVersion: 1.4.2\n\n",
			site + "beside-2.dist-info/METADATA":                "Name: beside\nVersion: 2\n\n",
			site + "beside/_vendor/other-3.dist-info/METADATA":  "Name: other\nVersion: 3\n\n",
			site + "beside/_vendor/other-3.dist-info/top.level": "other",
		})
		doc, _ := describe(t, in)
		if own := packageNamed(t, doc, "pkg:pypi/served@1.4.2"); own.PrimaryPackagePurpose != "APPLICATION" {
			t.Errorf("wheels %q: the project is not the service, but %v", wheels, own)
		}
		for purl, name := range map[string]string{"pkg:pypi/other@3": "other", "pkg:pypi/beside@2": "beside"} {
			p := packageNamed(t, doc, purl)
			if component := p.PrimaryPackagePurpose == "LIBRARY"; component != slices.Contains(want, name) {
				t.Errorf("wheels %q: %s is a %s", wheels, name, p.PrimaryPackagePurpose)
			}
		}
	}
}

func TestCoverage(t *testing.T) {
	complete := fixture(t)
	serve(&complete, nil)
	_, c, err := Describe(t.Context(), complete)
	if err != nil || !c.Complete() || c.Percent() != 100 || c.Files.All != 9 {
		t.Errorf("of the fixture: %+v, %v", c, err)
	}
	in := fixture(t)
	site := "/usr/lib/served/"
	serve(&in, map[string]string{
		site + "good-1.dist-info/METADATA": "Name: good\nVersion: 1\n\n",
		site + "bad-1.dist-info/METADATA":  "Name: bad\n\n",
	})
	in.Recipe.Allow = []recipes.Allow{{Rule: recipes.RuleUnowned, Path: site + "bad-1.dist-info/*", Reason: "it was measured"}}
	doc, c, err := Describe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Share{1, 2}); c.Components != want || c.Complete() || c.Percent() != 50 {
		t.Errorf("got %+v, want half of the components", c)
	}
	if len(c.Gaps) != 1 || c.Gaps[0].Path != site+"bad-1.dist-info/METADATA" || c.Gaps[0].Allowed != "it was measured" {
		t.Errorf("got gaps %+v", c.Gaps)
	}
	for _, want := range []string{"11 of 11 files", "1 of 2 other components", "Not covered: " + c.Gaps[0].String() + " (accepted: it was measured)"} {
		if !strings.Contains(doc.DocumentComment, want) {
			t.Errorf("the document does not say %q:\n%s", want, doc.DocumentComment)
		}
	}
}

// TestCrates reads real programs: one with a list as cargo-auditable adds it,
// and one that only names its compiler.
func TestCrates(t *testing.T) {
	for _, tool := range []string{"gcc", "objcopy"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	const list = `{"packages":[
		{"name":"served","version":"1.4.2","source":"local","dependencies":[1,2],"root":true},
		{"name":"serde","version":"1.0.219","source":"crates.io"},
		{"name":"a_b","version":"0.2.1","source":"crates.io"},
		{"name":"cc","version":"1.2.0","source":"crates.io","kind":"build"}]}`
	in := fixture(t)
	in.Lock.Platforms[0].Fetches = []recipes.LockedFetch{fetches("cargo", "serde/1.0.219/download", "cc/1.2.0/download")}
	in.Lock.Platforms[0].Build = append(in.Lock.Platforms[0].Build, deb("librust-a-b-0.2-dev", "0.2.1-3+b1", ""),
		deb("libstd-rust-1.86-dev", "1.86.0+dfsg1-1", "rustc-1.86"), deb("libstd-rust-dev", "1.85.0+dfsg3-1", "rustc"))
	serve(&in, map[string]string{"/usr/bin/served": rustProgram(t, list)})
	in.Content.Files = slices.DeleteFunc(in.Content.Files, func(f recipes.File) bool { return f.Path == "/usr/bin/served" && f.Mode == 0o755 })
	doc, data := describe(t, in)
	checkShape(t, data)
	checkMeaning(t, doc)
	want := map[string]string{"serde": "1.0.219", "a_b": "0.2.1", "libstd-rust-dev": "1.85.0+dfsg3-1"}
	if diff := cmp.Diff(want, linked(doc, fileID("/usr/bin/served"))); diff != "" {
		t.Errorf("crates differ (-want +got):\n%s", diff)
	}
	if p := packageNamed(t, doc, "pkg:cargo/serde@1.0.219"); p.PackageFileName != "serde-1.0.219.crate" || p.PackageChecksums[0].Value != sha256Hex("serde/1.0.219/download") {
		t.Errorf("a fetched crate is %s with %v", p.PackageFileName, p.PackageChecksums)
	}
	if p := packageNamed(t, doc, "pkg:cargo/served@1.4.2"); p.PackageName != in.Recipe.Name {
		t.Errorf("the crate of the sources is %s, want the service", p.PackageName)
	}
	if p := packageNamed(t, doc, "pkg:cargo/a_b@0.2.1"); !strings.Contains(p.PackageComment, "librust-a-b-0.2-dev 0.2.1-3+b1") {
		t.Errorf("a crate of Debian's says %q", p.PackageComment)
	}

	serve(&in, map[string]string{"/usr/bin/served": rustProgram(t, "")})
	doc, c, err := Describe(t.Context(), withoutDoubles(in))
	if err != nil || !c.Complete() || linked(doc, fileID("/usr/bin/served"))["cc"] == "" {
		t.Errorf("without a list: %v, %v, want all crates of the lock", c, err)
	}
	in.Lock.Platforms[0].Fetches = nil
	if _, c, err = Describe(t.Context(), withoutDoubles(in)); err != nil || c.Complete() || c.Gaps[0].Name != "crates" {
		t.Errorf("without a list or a lock: %v, %v, want a gap", c, err)
	}
}

// withoutDoubles keeps the last of files with one path.
func withoutDoubles(in Input) Input {
	last := map[string]recipes.File{}
	for _, f := range in.Content.Files {
		last[f.Path] = f
	}
	in.Content.Files = nil
	for _, p := range sortedKeys(last) {
		in.Content.Files = append(in.Content.Files, last[p])
	}
	return in
}

// rustProgram is a program that says that rustc made it, with a list of crates
// unless that is empty.
func rustProgram(t *testing.T, list string) string {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	program := filepath.Join(dir, "program")
	run := func(name string, args ...string) {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil { //nolint:gosec // a command of the test itself
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("gcc", "-static", "-o", program, file("main.c", `__asm__(".ident \"rustc version 1.85.0 (of a test)\""); int main(void) { return 0; }`))
	if list != "" {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		fmt.Fprint(z, list)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		run("objcopy", "--add-section", ".dep-v0="+file("list", b.String()), program)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestComponentOf(t *testing.T) {
	for _, c := range []struct {
		ecosystem, path string
		want            componentKey
	}{
		{"go", "github.com/!burnt!sushi/toml/@v/v1.4.0.zip", componentKey{"golang", "github.com/BurntSushi/toml", "v1.4.0"}},
		{"go", "github.com/!burnt!sushi/toml/@v/v1.4.0.mod", componentKey{}},
		{"npm", "@cypress/request/-/request-3.0.10.tgz", componentKey{"npm", "@cypress/request", "3.0.10"}},
		{"npm", "@cypress%2frequest/-/request-3.0.10.tgz", componentKey{"npm", "@cypress/request", "3.0.10"}},
		{"npm", "ms", componentKey{}},
		{"cargo", "serde/1.0.219/download", componentKey{"cargo", "serde", "1.0.219"}},
		{"cargo", "se/rd/serde", componentKey{}},
		{"pypi", "packages/ab/cd/Foo_Bar.baz-1.0-py3-none-any.whl", componentKey{"pypi", "foo-bar-baz", "1.0"}},
		{"pypi", "simple/foo/", componentKey{}},
		{"maven", "org/apache/commons/commons-lang3/3.14.0/commons-lang3-3.14.0.jar", componentKey{"maven", "org.apache.commons:commons-lang3", "3.14.0"}},
		{"maven", "org/apache/commons/commons-lang3/3.14.0/commons-lang3-3.14.0.pom", componentKey{}},
		{"url", "https://example.org/serde/1.0/download", componentKey{}},
	} {
		got, ok := componentOf(recipes.FetchedFile{Ecosystem: c.ecosystem, Path: c.path})
		if got != c.want || ok != (c.want != componentKey{}) {
			t.Errorf("%s %s is %+v, %v, want %+v", c.ecosystem, c.path, got, ok, c.want)
		}
	}
}

func TestNamedLicenses(t *testing.T) {
	l := newLicenses()
	for stated, want := range map[string]string{
		"MIT": "MIT", "(MIT OR CC0-1.0)": "(MIT OR CC0-1.0)", "mit or apache-2.0": "MIT OR Apache-2.0",
		"The Apache Software License, Version 2.0": "Apache-2.0", "Apache Software License AND MIT License": noAssertion,
		"MIT License": "MIT", "BSD": noAssertion, "SEE LICENSE IN x": noAssertion, "EPL 2.0 OR EDL 1.0": "EPL-2.0 OR BSD-3-Clause", "": noAssertion,
	} {
		got, comment := l.component(stated)
		if got != want {
			t.Errorf("%q is %s, want %s", stated, got, want)
		}
		if (got == noAssertion || strings.Contains(stated, "License")) && stated != "" && !strings.Contains(comment, stated) {
			t.Errorf("%q is not in the comment %q", stated, comment)
		}
	}
}
