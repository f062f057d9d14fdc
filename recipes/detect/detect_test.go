package detect

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/licensecheck"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kiln-build/kiln/recipes"
)

// Run the tests with -update to write the golden files anew; then read them.
var update = flag.Bool("update", false, "write golden files")

// TestFolder drafts a recipe for each project of testdata. The end-to-end
// tests build them.
func TestFolder(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d projects, %v, want twelve", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			d, err := Folder(folder(t, file), "The_folder")
			if err != nil {
				t.Fatal(err)
			}
			text := d.Recipe()
			if _, err := recipes.Parse("recipe.yaml", text); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			got := string(text) + "# " + d.Language + "\n"
			for _, a := range d.Assumed {
				got += "# " + a + "\n"
			}
			golden(t, "testdata/"+name+".yaml", got)
		})
	}
}

func files(t *testing.T, a *txtar.Archive) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	for _, f := range a.Files {
		all[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return all
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestFolderRefuses(t *testing.T) {
	for _, c := range []struct {
		name, archive, want, fix string
	}{
		{"go without go.sum", "-- go.mod --\nmodule x\nrequire example.org/y v1.0.0\n", "no go.sum", "go mod tidy"},
		{"go library", "-- go.mod --\nmodule x\n-- x.go --\npackage x\n", "package main", "init"},
		{"go.mod broken", "-- go.mod --\nmodul x\n", "cannot be read", "go mod edit"},
		{"cargo workspace", "-- Cargo.toml --\n[workspace]\n", "workspace", "package"},
		{"cargo without lock", "-- Cargo.toml --\n[package]\nname = \"x\"\n", "no Cargo.lock", "generate-lockfile"},
		{"npm without lock", "-- package.json --\n{\"dependencies\": {\"a\": \"1\"}}\n-- index.js --\n", "no package-lock.json", "npm install"},
		{"npm build without a program", "-- package.json --\n{\"scripts\": {\"build\": \"x\"}}\n-- package-lock.json --\n{}\n", "names no program", "main"},
		{"java class that is none", "-- pom.xml --\n<project/>\n-- src/main/java/a'b.java --\npublic static void main(\n", "no class", "init"},
		{"python with requirements", "-- requirements.txt --\nflask\n", "no digests", "generate-hashes"},
		{"python library", "-- pyproject.toml --\n[project]\nname = \"x\"\n", "x/__main__.py", "recipe"},
		{"python without lock", "-- pyproject.toml --\n[project]\nname = \"x\"\ndependencies = [\"flask\"]\n", "no requirements.txt", "pip-compile"},
		{"maven without a program", "-- pom.xml --\n<project/>\n", "no class", "init"},
		{"maven of a war", "-- pom.xml --\n<project><packaging>war</packaging><dependencies><dependency/></dependencies></project>\n", "makes a war", "step java"},
		{"maven with a name from elsewhere", "-- pom.xml --\n<project><artifactId>x</artifactId><version>${changelist}</version><dependencies><dependency/></dependencies></project>\n", "x-${changelist}.jar", "step java"},
		{"maven in a circle", "-- pom.xml --\n<project><artifactId>x</artifactId><version>${a}</version><parent><artifactId>y</artifactId></parent><properties><a>${b}</a><b>${a}</b></properties></project>\n", "how its jar is called", "step java"},
		{"maven library", "-- pom.xml --\n<project><artifactId>x</artifactId><version>1</version><dependencies><dependency/></dependencies></project>\n", "no class", "init"},
		{"gradle in Kotlin", "-- build.gradle.kts --\ndependencies {\n  implementation(\"a:guava:1\")\n}\n", "depends on a:guava:1, and build.gradle.kts", "write build.gradle"},
		{"gradle with a name for the jar", "-- build.gradle --\ndependencies {\n  compile 'a:guava:1'\n}\njar { archiveName = 'x.jar' }\n", "by archiveName", "step java"},
		{"gradle of several", "-- build.gradle --\n-- settings.gradle --\ninclude 'a', 'b'\n", "several", "step java"},
		{"cmake library", "-- CMakeLists.txt --\nproject(x)\n", "installs no program", "TARGETS"},
	} {
		_, err := Folder(files(t, txtar.Parse([]byte(c.archive))), "x")
		var unfit *UnfitError
		if !errors.As(err, &unfit) || !strings.Contains(unfit.Msg, c.want) || !strings.Contains(unfit.Fix, c.fix) {
			t.Errorf("%s: got %v, want %q and the fix %q", c.name, err, c.want, c.fix)
		}
	}
	if _, err := Folder(fstest.MapFS{"README": {}}, "x"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

// TestFolderCannotBeRead: what cannot be read is not said to hold nothing.
func TestFolderCannotBeRead(t *testing.T) {
	for _, a := range []string{"-- go.mod --\nmodule x\n-- cmd/x.go --\n", "-- pom.xml --\n<project/>\n-- src/main/java/x/X.java --\n"} {
		_, err := Folder(unreadable{files(t, txtar.Parse([]byte(a)))}, "x")
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v, want fs.ErrPermission", err)
		}
	}
}

// unreadable has folders that cannot be listed.
type unreadable struct{ fstest.MapFS }

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "cmd" || name == "src/main/java/x" {
		return nil, fs.ErrPermission
	}
	return u.MapFS.ReadDir(name)
}

// TestFolderWithLittleSaid: a package without a name is called as its folder,
// and what is no URL is no homepage.
func TestFolderWithLittleSaid(t *testing.T) {
	a := "-- package.json --\n{\"main\": \"x.js\", \"homepage\": \"example.org\"}\n-- x.js --\n"
	d, err := Folder(files(t, txtar.Parse([]byte(a))), "greet")
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipes.Parse("recipe.yaml", d.Recipe())
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "greet" || r.Homepage != "" {
		t.Errorf("got the name %q and the homepage %q", r.Name, r.Homepage)
	}
}

// TestFolderWithProperties: of what stands in pom.xml for something else, the
// recipe has that or nothing.
func TestFolderWithProperties(t *testing.T) {
	for text, want := range map[string]string{"Serves ${project.artifactId}": "Serves greet", "${unknown}": "greet"} {
		a := "-- pom.xml --\n<project><artifactId>greet</artifactId><description>" + text + "</description><url>https://example.org/${unknown}</url></project>\n" +
			"-- src/main/java/X.java --\npublic static void main(\n"
		d, err := Folder(files(t, txtar.Parse([]byte(a))), "x")
		if err != nil {
			t.Fatal(err)
		}
		r, err := recipes.Parse("recipe.yaml", d.Recipe())
		if err != nil {
			t.Fatal(err)
		}
		if r.Summary != want || r.Homepage != "" {
			t.Errorf("%s: got the summary %q and the homepage %q", text, r.Summary, r.Homepage)
		}
	}
}

func folder(t *testing.T, file string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return files(t, a)
}

func FuzzFolder(f *testing.F) {
	all, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range all {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	licensecheck.Scan(nil) // makes its tables, which may take longer than an input is given
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.ReplaceAll(raw, []byte("-- --"), nil) // which txtar.Parse panics at
		all := fstest.MapFS{}
		for _, file := range txtar.Parse(raw).Files {
			if filepath.IsLocal(file.Name) {
				all[filepath.Clean(file.Name)] = &fstest.MapFile{Data: file.Data}
			}
		}
		if d, err := Folder(all, "x"); err == nil && len(d.Recipe()) == 0 {
			t.Error("an empty recipe")
		}
	})
}
