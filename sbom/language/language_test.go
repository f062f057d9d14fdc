package language

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kiln-build/kiln/recipes"
)

// tree writes files into a folder and lists them as an image has them.
func tree(t *testing.T, files map[string]string) (string, []recipes.File) {
	t.Helper()
	dir := t.TempDir()
	var list []recipes.File
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		list = append(list, recipes.File{Path: "/" + name, Type: tar.TypeReg, Mode: 0o644, Size: int64(len(text))})
	}
	slices.SortFunc(list, func(a, b recipes.File) int { return strings.Compare(a.Path, b.Path) })
	return dir, list
}

func find(t *testing.T, files map[string]string) ([]Component, []Unread) {
	t.Helper()
	dir, list := tree(t, files)
	found, unread, err := Find(t.Context(), list, func(p string) (File, error) { return os.Open(filepath.Join(dir, p)) })
	if err != nil {
		t.Fatal(err)
	}
	return found, unread
}

// zipped is a zip file.
func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const modules = "app/node_modules/"

func TestFindNpm(t *testing.T) {
	found, unread := find(t, map[string]string{
		"app/package.json":                           `{"name": "app", "version": "1.0.0", "license": "MIT"}`,
		"app/index.js":                               "",
		modules + "a/package.json":                   `{"name": "a", "version": "2.0.1", "license": "(MIT OR Apache-2.0)"}`,
		modules + "a/esm/package.json":               `{"type": "module"}`,
		modules + "a/test/package.json":              `{`,
		modules + "a/node_modules/@s/b/package.json": `{"name": "@s/b", "version": "0.0.1", "license": {"type": "ISC", "url": "x"}}`,
		modules + "@s/b/package.json":                `{"name": "@s/b", "version": "3.0.0", "licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}`,
		modules + "bad/package.json":                 `{"name": "bad"}`,
		modules + "@s/worse/package.json":            `}`,
	})
	dir := func(d string) Component {
		return Component{Ecosystem: npm, Path: "/" + d + "/package.json", Dir: "/" + d}
	}
	want := []Component{dir(modules + "@s/b"), dir(modules + "a/node_modules/@s/b"), dir(modules + "a"), dir("app")}
	for i, c := range []Component{
		{Name: "@s/b", Version: "3.0.0", License: "MIT OR GPL-2.0"}, {Name: "@s/b", Version: "0.0.1", License: "ISC"},
		{Name: "a", Version: "2.0.1", License: "(MIT OR Apache-2.0)"}, {Name: "app", Version: "1.0.0", License: "MIT"},
	} {
		want[i].Name, want[i].Version, want[i].License = c.Name, c.Version, c.License
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("components differ (-want +got):\n%s", diff)
	}
	wantUnread(t, unread, "/"+modules+"@s/worse/package.json", "/"+modules+"bad/package.json")
}

func wantUnread(t *testing.T, unread []Unread, want ...string) {
	t.Helper()
	var got []string
	for _, u := range unread {
		got = append(got, u.Path)
		if u.Err == nil {
			t.Errorf("%s is unread without a reason", u.Path)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("unread differ (-want +got):\n%s", diff)
	}
}

func TestFindPython(t *testing.T) {
	site := "usr/lib/radio/"
	found, unread := find(t, map[string]string{
		site + "radio/__init__.py":              "",
		site + "radio-1.2.dist-info/METADATA":   "Metadata-Version: 2.4\nName: Radio\nVersion: 1.2\nLicense-Expression: MIT\nLicense: no\n\nRadio: a text\n",
		site + "radio-1.2.dist-info/RECORD":     "radio/__init__.py,sha256=x,0\n\"radio/a,b.py\",,\n../../bin/radio,,\nradio-1.2.dist-info/METADATA,,\n",
		site + "old.egg-info/PKG-INFO":          "Metadata-Version: 1.0\nName: old\nVersion: 3\nLicense: UNKNOWN\nClassifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: BSD License\n",
		site + "nameless-1.dist-info/METADATA":  "Metadata-Version: 2.1\n",
		site + "nameless-1.dist-info/top_level": "x",
		"srv/tool-4-py3-none-any.whl":           zipped(t, map[string]string{"tool-4.dist-info/METADATA": "Name: tool\nVersion: 4\n\n", "tool.py": ""}),
	})
	want := []Component{
		{Ecosystem: pypi, Name: "tool", Version: "4", Path: "/srv/tool-4-py3-none-any.whl", Whole: true},
		{Ecosystem: pypi, Name: "old", Version: "3", License: "BSD License", Path: "/" + site + "old.egg-info/PKG-INFO"},
		{Ecosystem: pypi, Name: "Radio", Version: "1.2", License: "MIT", Path: "/" + site + "radio-1.2.dist-info/METADATA", Files: []string{
			"/" + site + "radio/__init__.py", "/" + site + "radio/a,b.py", "/usr/bin/radio", "/" + site + "radio-1.2.dist-info/METADATA",
		}},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("components differ (-want +got):\n%s", diff)
	}
	wantUnread(t, unread, "/"+site+"nameless-1.dist-info/METADATA")
}

// pom are the files of a Maven artifact that tell what it is.
func pom(group, artifact, version, license string) map[string]string {
	dir := "META-INF/maven/" + group + "/" + artifact + "/"
	return map[string]string{
		dir + "pom.properties": "groupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n",
		dir + "pom.xml":        "<project><licenses><license><name> " + license + "\n</name></license></licenses></project>",
	}
}

func TestFindJava(t *testing.T) {
	inner := zipped(t, pom("org.example.in", "inner", "0.9", "EPL 2.0"))
	fat := pom("org.example", "app", "1.0", "MIT")
	for name, text := range pom("com.example", "shaded", "2.1", "Apache License, Version 2.0") {
		fat[name] = text
	}
	fat["BOOT-INF/lib/inner-0.9.jar"] = inner
	found, unread := find(t, map[string]string{
		"usr/share/java/app-1.0.jar":   zipped(t, fat),
		"usr/share/java/inner-0.9.jar": inner,
		"usr/share/java/named-3.jar":   zipped(t, map[string]string{"A.class": "x"}),
		"usr/share/java/mystery.jar":   zipped(t, map[string]string{"A.class": "x"}),
		"usr/share/java/hoard.jar":     zipped(t, map[string]string{"lib/words.jar": zipped(t, map[string]string{"A.class": "x"})}),
		"usr/share/java/broken.jar":    strings.Repeat("no archive ", 20),
	})
	path := func(name string) string { return "/usr/share/java/" + name + ".jar" }
	want := []Component{
		{Ecosystem: maven, Name: "com.example:shaded", Version: "2.1", License: "Apache License, Version 2.0", Path: path("app-1.0"), Inside: true},
		{Ecosystem: maven, Name: "org.example.in:inner", Version: "0.9", License: "EPL 2.0", Path: path("app-1.0"), Inside: true},
		{Ecosystem: maven, Name: "org.example:app", Version: "1.0", License: "MIT", Path: path("app-1.0"), Whole: true},
		{Ecosystem: maven, Name: "org.example.in:inner", Version: "0.9", License: "EPL 2.0", Path: path("inner-0.9"), Whole: true},
		{Ecosystem: maven, Name: "named:named", Version: "3", Path: path("named-3"), Whole: true},
	}
	slices.SortStableFunc(found, func(a, b Component) int { return strings.Compare(a.Path, b.Path) })
	byName := cmpopts.SortSlices(func(a, b Component) bool { return a.Path+a.Name < b.Path+b.Name })
	if diff := cmp.Diff(want, found, byName); diff != "" {
		t.Errorf("components differ (-want +got):\n%s", diff)
	}
	wantUnread(t, unread, path("broken"), path("hoard"), path("mystery"))
	for _, u := range unread {
		if got, want := errors.Is(u.Err, ErrNameless), u.Path == path("mystery"); got != want {
			t.Errorf("%s: %v is ErrNameless: %v, want %v", u.Path, u.Err, got, want)
		}
	}
}

// TestFindFaults checks that what cannot be read is not taken for what makes
// no sense.
func TestFindFaults(t *testing.T) {
	_, list := tree(t, map[string]string{modules + "a/package.json": "{}"})
	errDisk := errors.New("disk fault")
	if _, _, err := Find(t.Context(), list, func(string) (File, error) { return faulty{errDisk}, nil }); !errors.Is(err, errDisk) {
		t.Errorf("got error %v, want %v", err, errDisk)
	}
	if _, _, err := Find(t.Context(), list, func(string) (File, error) { return nil, fs.ErrPermission }); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got error %v, want %v", err, fs.ErrPermission)
	}
}

type faulty struct{ err error }

func (f faulty) ReadAt([]byte, int64) (int, error) { return 0, f.err }
func (faulty) Close() error                        { return nil }

// zeros is a file of nothing but zeros.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }
func (zeros) Close() error                          { return nil }

// Nothing is passed over for its size.
func TestFindLarge(t *testing.T) {
	wheel := recipes.File{Path: "/a-1-py3-none-any.whl", Type: tar.TypeReg, Size: 200 << 20}
	open := func(string) (File, error) { return zeros{}, nil }
	_, unread, err := Find(t.Context(), []recipes.File{wheel}, open)
	if err != nil {
		t.Fatal(err)
	}
	wantUnread(t, unread, wheel.Path)
	wheel.Size = maxFile + 1
	if _, _, err = Find(t.Context(), []recipes.File{wheel}, open); err == nil {
		t.Error("no error of a file that is too large")
	}
}
