package recipes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// renovateManagers are the custom managers of the preset for Renovate, whose
// expressions are RE2 as Go's are.
func renovateManagers(t *testing.T) (list []renovateManager) {
	t.Helper()
	text, err := os.ReadFile("../.github/renovate/kiln.json")
	if err != nil {
		t.Fatal(err)
	}
	var preset struct {
		CustomManagers []renovateManager `json:"customManagers"`
	}
	if err := json.Unmarshal(text, &preset); err != nil {
		t.Fatal(err)
	}
	return preset.CustomManagers
}

type renovateManager struct {
	Strings    []string `json:"matchStrings"`
	Datasource string   `json:"datasourceTemplate"`
}

// found is what the managers find in a recipe, as "datasource name version".
func found(t *testing.T, managers []renovateManager, raw []byte) (list []string) {
	t.Helper()
	for _, m := range managers {
		for _, s := range m.Strings {
			re := regexp.MustCompile(s)
			for _, match := range re.FindAllSubmatch(raw, -1) {
				list = append(list, m.Datasource+" "+string(match[re.SubexpIndex("depName")])+" "+string(match[re.SubexpIndex("currentValue")]))
			}
		}
	}
	return list
}

// wanted is what they should find.
func wanted(r *Recipe) []string {
	datasource := map[string]string{KindGo: "go", KindNpm: "npm", KindGit: "git-tags"}
	u, _ := r.Tracks()
	if d := datasource[u.Kind()]; d != "" {
		return []string{d + " " + u.Subject() + " " + r.Version}
	}
	return nil
}

func TestRenovatePreset(t *testing.T) {
	managers := renovateManagers(t)
	files, err := filepath.Glob("catalog/*/recipe.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		r, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := r.Tracks()
		kinds[u.Kind()] = true
		if got, want := found(t, managers, r.Raw), wanted(r); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", file, got, want)
		}
	}
	for _, kind := range []string{KindGo, KindNpm, KindDebian} {
		if !kinds[kind] {
			t.Errorf("no recipe of the catalog tracks %s", kind)
		}
	}
}

func TestRenovatePresetForms(t *testing.T) {
	const head, tail = "kiln: v1\nname: x\nversion: %s # of it\nsummary: x\nupstream: https://example.org/x\nlicense: MIT\n",
		"build: {steps: [{run: \"true\"}]}\nimage: {base: static, entrypoint: [/x]}\n"
	for name, fields := range map[string]string{
		"in one line":         "update: {channel: 1.x, go: example.org/m}\nsources: [{local: .}]\n",
		"in several":          "update:\n  channel: 1.x\n  npm: \"@corp/x\"\n  ignore: [1.9.9]\nsources: [{local: .}]\n",
		"below the sources":   "sources:\n  - local: .\nupdate: {git: https://example.org/x.git}\n",
		"derived":             "sources:\n  - go: example.org/m/v2@v${version}\n",
		"derived, not at top": "vars: {a: b}\n\n# A comment.\nsources:\n  - local: files\n    into: a\n  - go: example.org/m/v2@v${version}\n",
		"of neither":          "sources:\n  - debian: xx\n",
		"not derived":         "update: {debian: xx}\nsources:\n  - go: example.org/m/v2@v${version}\n",
	} {
		for _, version := range []string{"2.2.3", `"2.2.3"`, "'2.2.3'"} {
			if name != "derived" && name != "derived, not at top" && name != "not derived" {
				version = regexp.MustCompile(`^(["']?)2`).ReplaceAllString(version, "${1}1")
			}
			raw := []byte(regexp.MustCompile(`%s`).ReplaceAllLiteralString(head, version) + fields + tail)
			r, err := Parse("recipe.yaml", raw)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, want := found(t, renovateManagers(t), raw), wanted(r); !slices.Equal(got, want) {
				t.Errorf("%s: found %q, want %q", name, got, want)
			}
		}
	}
}
