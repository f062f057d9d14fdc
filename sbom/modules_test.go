package sbom

import (
	"debug/buildinfo"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// TestModules reads the modules of a real Go program.
func TestModules(t *testing.T) {
	program := filepath.Join(t.TempDir(), "linked")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./testdata/linked") //nolint:gosec // a command of the test itself
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building program: %v\n%s", err, out)
	}
	in := fixture(t)
	var opened []string
	in.Open = func(path string) (File, error) {
		opened = append(opened, path)
		if path == "/usr/bin/served" {
			return os.Open(program)
		}
		return os.Open("modules_test.go")
	}
	doc, data := describe(t, in)
	checkShape(t, data)
	checkMeaning(t, doc)
	if diff := cmp.Diff([]string{"/etc/served.conf", "/usr/bin/served"}, opened); diff != "" {
		t.Errorf("opened other files than the service's (-want +got):\n%s", diff)
	}
	got := linked(doc, fileID("/usr/bin/served"))
	want := map[string]string{"stdlib": strings.TrimPrefix(runtime.Version(), "go")}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		want[m.Path] = m.Version
	}
	if diff := cmp.Diff(want, got); diff != "" || got["github.com/google/go-containerregistry"] == "" {
		t.Errorf("modules differ (-want +got):\n%s", diff)
	}
	if s := Summarize(doc); s.Modules != len(want) {
		t.Errorf("got %d modules of the service, want %d", s.Modules, len(want))
	}
}

// TestModulesOfUnreadableFile checks that a fault of the disk is not taken for
// a file that is no program.
func TestModulesOfUnreadableFile(t *testing.T) {
	in := fixture(t)
	in.Open = func(string) (File, error) { return faulty{}, nil }
	if _, _, err := Describe(t.Context(), in); !errors.Is(err, errDisk) {
		t.Errorf("got error %v, want %v", err, errDisk)
	}
}

var errDisk = errors.New("disk fault")

type faulty struct{}

func (faulty) ReadAt([]byte, int64) (int, error) { return 0, errDisk }
func (faulty) Close() error                      { return nil }

// linked are the versions of the packages that a file is linked with, by name.
func linked(doc *v2_3.Document, file common.ElementID) map[string]string {
	byID := map[common.ElementID]*v2_3.Package{}
	for _, p := range doc.Packages {
		byID[p.PackageSPDXIdentifier] = p
	}
	got := map[string]string{}
	for _, r := range doc.Relationships {
		if r.RefA.ElementRefID == file && r.Relationship == common.TypeRelationshipStaticLink {
			p := byID[r.RefB.ElementRefID]
			got[p.PackageName] = p.PackageVersion
		}
	}
	return got
}

func TestModulePackage(t *testing.T) {
	d := &description{Input: fixture(t)}
	const unknown = "\n" + unfetched
	tests := []struct {
		name                         string
		in                           debug.Module
		path, version, purl, comment string
	}{
		{"plain", debug.Module{Path: "github.com/BurntSushi/toml", Version: "v1.4.0", Sum: "h1:x="},
			"github.com/BurntSushi/toml", "v1.4.0", "pkg:golang/github.com/burntsushi/toml@v1.4.0", "go.sum h1:x=" + unknown},
		{"replaced", debug.Module{Path: "a.example/b", Version: "v1.0.0",
			Replace: &debug.Module{Path: "c.example/b/v2", Version: "v2.0.1+incompatible", Sum: "h1:y="}},
			"c.example/b/v2", "v2.0.1+incompatible", "pkg:golang/c.example/b/v2@v2.0.1%2Bincompatible",
			"replaces a.example/b v1.0.0\ngo.sum h1:y=" + unknown},
		{"replaced by a folder", debug.Module{Path: "a.example/b", Version: "v1.0.0", Replace: &debug.Module{Path: "./b"}},
			"a.example/b", "1.4.2", "pkg:golang/a.example/b", "replaced by the folder ./b\nA folder of the sources of served 1.4.2, whose version it has."},
		{"replaced by a folder, as the linker has it", debug.Module{Path: "a.example/b", Version: "v0.0.0", Replace: &debug.Module{Path: "../b", Version: "(devel)"}},
			"a.example/b", "1.4.2", "pkg:golang/a.example/b", "replaced by the folder ../b\nA folder of the sources of served 1.4.2, whose version it has."},
		{"of a workspace", debug.Module{Path: "a.example/b", Version: "(devel)"},
			"a.example/b", "1.4.2", "pkg:golang/a.example/b", "A folder of the sources of served 1.4.2, whose version it has."},
	}
	for _, tt := range tests {
		p := d.modulePackage(&tt.in)
		got := []string{p.PackageName, p.PackageVersion, purlOf(p), p.PackageComment}
		if diff := cmp.Diff([]string{tt.path, tt.version, tt.purl, tt.comment}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestStandardLibrary(t *testing.T) {
	if got, want := purlOf(standardLibrary("go1.27.1 X:nodwarf5")), "pkg:golang/stdlib@1.27.1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNameMain(t *testing.T) {
	p := &v2_3.Package{PackageExternalReferences: golangPurl("a.example/b", "v1.0.0").ref()}
	d := &description{service: p}
	d.nameMain(debug.Module{Path: "a.example/b", Version: "(devel)"})
	d.nameMain(debug.Module{Path: "a.example/tools", Version: "(devel)"})
	d.nameMain(debug.Module{Path: "command-line-arguments"})
	var got []string
	for _, r := range p.PackageExternalReferences {
		got = append(got, r.Locator)
	}
	if diff := cmp.Diff([]string{"pkg:golang/a.example/b@v1.0.0", "pkg:golang/a.example/tools"}, got); diff != "" {
		t.Errorf("package URLs differ (-want +got):\n%s", diff)
	}
}
