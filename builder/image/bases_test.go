package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// runtimeBed locks what the lock of a base of a runtime holds.
func runtimeBed(t *testing.T) *bed {
	t.Helper()
	b := newBed(t)
	b.image(t, "libc6", copyright("libc6"), file(merged(loader(t)), library(t, "ld.so")), file(libDir+"/libc.so.6", library(t, "libc.so.6")))
	b.image(t, "libneeded1", copyright("libneeded1"), file(libDir+"/libneeded.so.1", library(t, "libneeded.so.1", "libc.so.6")))
	b.image(t, "libother1", copyright("libother1"), file(libDir+"/libother.so.1", library(t, "libother.so.1", "libc.so.6")))
	b.image(t, "dpkg", copyright("dpkg"), binary("/usr/bin/dpkg", "x"))
	return b
}

func installedNames(res *Result) []string {
	var all []string
	for _, p := range res.Content.Packages {
		all = append(all, p.Name)
	}
	return all
}

func TestBasePython(t *testing.T) {
	b := runtimeBed(t)
	b.image(t, "python3-minimal", copyright("python3-minimal"), symlink("/usr/bin/python3", "python3.13"), binary("/usr/bin/py3compile", "#!/usr/bin/python3\n"))
	b.image(t, "python3.13-minimal", copyright("python3.13-minimal"), binary("/usr/bin/python3.13", executable(t, "", "libc.so.6")))
	b.image(t, "libpython3-stdlib", copyright("libpython3-stdlib"))
	b.image(t, "libpython3.13-minimal", copyright("libpython3.13-minimal"), file("/usr/lib/python3.13/os.py", "x"), file("/usr/lib/python3.13/test/x.py", "x"))
	b.image(t, "libpython3.13-stdlib", copyright("libpython3.13-stdlib"), file("/usr/lib/python3.13/testing.py", "x"),
		file("/usr/lib/python3.13/ensurepip/x.whl", "x"), file("/usr/lib/python3.13/lib-dynload/_x.so", library(t, "_x.so", "libneeded.so.1", "libabsent.so.1")))
	r := newRecipe()
	r.Image.Base = "python"
	res := assemble(t, b.input(r, binary("/usr/bin/hello", "#!/usr/bin/env python3\n")))
	want := []string{"ca-certificates", "libc6", "libneeded1", "libpython3.13-minimal", "libpython3.13-stdlib", "python3-minimal", "python3.13-minimal", "tzdata"}
	if diff := cmp.Diff(want, installedNames(res)); diff != "" {
		t.Error(diff)
	}
	if len(res.Added) > 0 {
		t.Errorf("the service needs no more, got %v", res.Added)
	}
	for p, want := range map[string]bool{
		"/usr/lib/python3.13/os.py": true, "/usr/lib/python3.13/testing.py": true, "/usr/bin/python3": true,
		"/usr/lib/python3.13/test": false, "/usr/lib/python3.13/test/x.py": false, "/usr/lib/python3.13/ensurepip/x.whl": false, "/usr/bin/py3compile": false,
	} {
		if _, ok := find(res, p); ok != want {
			t.Errorf("%s: got %v, want %v", p, ok, want)
		}
	}
}

func TestBaseJava(t *testing.T) {
	home := "/usr/lib/jvm/java-21-openjdk-x"
	b := runtimeBed(t)
	b.image(t, "default-jre-headless", copyright("default-jre-headless"))
	b.image(t, "openjdk-21-jre-headless", copyright("openjdk-21-jre-headless"), binary(home+"/bin/java", executable(t, "$ORIGIN/../lib", "libjli.so")),
		file(home+"/lib/libjli.so", library(t, "libjli.so")), file(home+"/lib/libattach.so", library(t, "libattach.so", "libjvm.so")),
		file(home+"/lib/server/libjvm.so", library(t, "libjvm.so", "libneeded.so.1")), symlink(home+"/lib/security/cacerts", "/etc/ssl/certs/java/cacerts"))
	r := newRecipe()
	for _, base := range []string{"java", "java@21"} {
		r.Image.Base = base
		res := assemble(t, b.input(r, file("/app/x.jar", "x")))
		if diff := cmp.Diff([]string{"ca-certificates", "libc6", "libneeded1", "openjdk-21-jre-headless", "tzdata"}, installedNames(res)); diff != "" {
			t.Error(diff)
		}
		for p, target := range map[string]string{"/usr/bin/java": "../lib/jvm/java-21-openjdk-x/bin/java", "/usr/lib/jvm/default-java": "java-21-openjdk-x", "/etc/ssl/certs/java/cacerts": ""} {
			if f, ok := find(res, p); !ok || f.Linkname != target || f.Owner != "base" {
				t.Errorf("%s: got %+v", p, f)
			}
		}
	}
}

// TestBaseIsShared: a base's layer is the same for every recipe with the same
// lock, also for one that names a package of the base.
func TestBaseIsShared(t *testing.T) {
	b := runtimeBed(t)
	b.image(t, "nodejs", copyright("nodejs"), binary("/usr/bin/node", executable(t, "", "libc.so.6")), binary("/usr/bin/helper", "#!/usr/bin/dash\n"))
	b.image(t, "dash", copyright("dash"), binary("/usr/bin/dash", executable(t, "", "libc.so.6")))
	var layers []string
	for _, packages := range [][]string{nil, {"nodejs"}} {
		b.memo = memo.Dir(t.TempDir())
		r := newRecipe()
		r.Image.Base, r.Image.Packages = "node", packages
		r.Allow = []recipes.Allow{{Rule: recipes.RuleShell}}
		m, err := assemble(t, b.input(r, file("/app/x.js", "x"))).Image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, m.Layers[0].Digest.String())
	}
	if layers[0] != layers[1] {
		t.Errorf("the base is %s, and %s where image.packages name a part of it", layers[0], layers[1])
	}
}

func TestBaseNotLocked(t *testing.T) {
	r := newRecipe()
	r.Image.Base = "node"
	_, err := Assemble(t.Context(), runtimeBed(t).input(r, file("/app/x.js", "x")))
	if err == nil || !strings.Contains(err.Error(), "the lock has no package of base node; run `kiln lock`") {
		t.Errorf("got %v", err)
	}
}

// A script brings its interpreter with the library that it needs.
func TestInterpreterIsWhole(t *testing.T) {
	b := withLibc(t)
	b.build(t, "python3-minimal", copyright("python3-minimal"), symlink("/usr/bin/python3", "python3.13"))
	b.build(t, "python3.13-minimal", copyright("python3.13-minimal"), binary("/usr/bin/python3.13", executable(t, "", "libc.so.6")))
	b.build(t, "libpython3.13-stdlib", copyright("libpython3.13-stdlib"), file("/usr/lib/python3.13/os.py", "x"))
	res := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", "#!/usr/bin/env python3\n"), binary("/usr/bin/other", "#!/usr/bin/python3.13\n")))
	if diff := cmp.Diff([]string{"ca-certificates", "libc6", "libpython3.13-stdlib", "python3-minimal", "python3.13-minimal", "tzdata"}, installedNames(res)); diff != "" {
		t.Error(diff)
	}
}
