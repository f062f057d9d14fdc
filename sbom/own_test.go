package sbom

import (
	"archive/zip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// jar is a Java archive that tells no name and version.
func jar(t *testing.T, entries ...string) string {
	t.Helper()
	var b strings.Builder
	z := zip.NewWriter(&b)
	for _, name := range append(entries, "META-INF/MANIFEST.MF") {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		text := "Manifest-Version: 1.0\n\n"
		if strings.HasSuffix(name, ".jar") {
			text = jar(t)
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

// TestNamelessArchives checks that a jar without a name is the service where
// the recipe says so, and no other is.
func TestNamelessArchives(t *testing.T) {
	const app, library = "/usr/share/java/app.jar", "/usr/share/java/words.jar"
	for _, c := range []struct {
		name       string
		steps      []recipes.Step
		entrypoint []string
		content    string
		gaps       []string
	}{
		{"of a java step", []recipes.Step{{Java: &recipes.JavaStep{Output: app}}}, []string{"/usr/bin/java", "-cp", app, "Main"}, jar(t), []string{library}},
		{"started", nil, []string{"/usr/bin/java", "-jar", app}, jar(t), []string{library}},
		{"neither", nil, []string{"/usr/bin/java", "-cp", app, "Main"}, jar(t), []string{app, library}},
		{"with another within", nil, []string{"/usr/bin/java", "-jar", app}, jar(t, "lib/words.jar"), []string{app, library}},
		{"broken", []recipes.Step{{Java: &recipes.JavaStep{Output: app}}}, []string{"/usr/bin/java", "-jar", app}, "no archive", []string{app, library}},
	} {
		in := fixture(t)
		in.Recipe.Build.Steps, in.Recipe.Image.Entrypoint = c.steps, c.entrypoint
		serve(&in, map[string]string{app: c.content, library: jar(t)})
		doc, coverage, err := Describe(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var gaps []string
		for _, g := range coverage.Gaps {
			gaps = append(gaps, g.Path)
		}
		slices.Sort(gaps)
		if diff := cmp.Diff(c.gaps, gaps); diff != "" {
			t.Errorf("%s: gaps differ (-want +got):\n%s", c.name, diff)
		}
		i := slices.IndexFunc(doc.Packages, func(p *v2_3.Package) bool { return p.PrimaryPackagePurpose == "APPLICATION" })
		if i < 0 || !slices.Contains(filesOf(doc, doc.Packages[i]), app) {
			t.Errorf("%s: %s does not belong to the service", c.name, app)
		}
	}
}

func TestStartedArchive(t *testing.T) {
	for words, want := range map[string]string{
		"/usr/bin/java -jar /a.jar":                 "/a.jar",
		"/usr/bin/java -Xmx1g -jar /lib/../a.jar b": "/a.jar",
		"/usr/bin/java -jar lib/a.jar":              "/srv/lib/a.jar",
		"/usr/bin/java -cp /c.jar Main -jar /a.jar": "",
		"/usr/bin/java Main -jar /a.jar":            "",
		"/usr/bin/java -jar":                        "",
		"/usr/bin/java":                             "",
		"/usr/bin/serve -jar /a.jar":                "",
		"":                                          "",
	} {
		all := strings.Fields(words)
		for cut := range all {
			m := recipes.Image{Entrypoint: all[:cut+1], Args: all[cut+1:], Workdir: "/srv"}
			if got := startedArchive(m); got != want {
				t.Errorf("%s then %s: got %q, want %q", m.Entrypoint, m.Args, got, want)
			}
		}
	}
	if got := startedArchive(recipes.Image{}); got != "" {
		t.Errorf("of no words: got %q", got)
	}
}
