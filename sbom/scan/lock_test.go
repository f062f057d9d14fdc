package scan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// TestOfLock takes one file of each ecosystem, as locks have them.
func TestOfLock(t *testing.T) {
	file := func(ecosystem, path string) recipes.FetchedFile {
		return recipes.FetchedFile{Ecosystem: ecosystem, Path: path}
	}
	l := &recipes.Lock{
		Sources: []recipes.LockedSource{
			{Kind: "go", Name: "example.com/Corp/service/v2", Version: "v2.1.0"},
			{Kind: "debian", Name: "redis", Version: "5:8.0-1"}, {Kind: "local", Name: "src"},
		},
		Platforms: []recipes.LockedPlatform{{
			Platform: "linux/amd64",
			Build: []recipes.Package{
				{Name: "golang-1.27-src", Version: "1.27.4-1~bpo13+1", Source: "golang-1.27"}, {Name: "gcc-14", Version: "14.2.0-19"},
			},
			Image: []recipes.Package{{Name: "tzdata", Version: "2026f-0+deb13u1", Architecture: "all", Suite: "trixie-updates"}},
			Fetches: []recipes.LockedFetch{{Files: []recipes.FetchedFile{
				file("go", "github.com/!masterminds/semver/@v/v1.5.0+incompatible.zip"), file("go", "github.com/!masterminds/semver/@v/v1.5.0+incompatible.mod"),
				file("go", "sumdb/sum.example/latest"), file("npm", "@nodelib/fs.stat/-/fs.stat-2.0.5.tgz"), file("npm", "xtend"),
				file("npm", "xtend/-/xtend-4.0.2.tgz"), file("cargo", "serde/1.0.8/download"),
				file("pypi", "packages/aa/bb/typing_extensions-4.0.1-py3-none-any.whl"), file("pypi", "packages/aa/bb/radicale-3.1.tar.gz"),
				file("maven", "org/apache/log4j/log4j-core/2.14.1/log4j-core-2.14.1.jar"), file("maven", "org/apache/log4j/log4j-core/2.14.1/log4j-core-2.14.1.pom"),
				{Ecosystem: "npm", Path: "gone/-/gone-1.0.0.tgz", Absent: true}, file("url", "https://example.com/x.tar"),
			}}},
		}},
	}
	r := &recipes.Recipe{Suite: "trixie", Image: recipes.Image{Base: "static"}}
	in, err := OfLock(r, l, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range in.Components {
		got = append(got, c.Ecosystem+" "+c.String())
	}
	want := []string{
		"Debian:13 redis 5:8.0-1", "Debian:13 tzdata 2026f-0+deb13u1",
		"Go example.com/corp/service/v2 2.1.0", "Go github.com/masterminds/semver 1.5.0+incompatible", "Go stdlib 1.27.4",
		"Maven org.apache.log4j:log4j-core 2.14.1", "PyPI radicale 3.1", "PyPI typing-extensions 4.0.1", "crates.io serde 1.0.8",
		"npm @nodelib/fs.stat 2.0.5", "npm xtend 4.0.2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantNot := []Unmatched{
		{"https://example.com/x.tar", "a file by its URL is in no ecosystem"}, {"local src", "a source of this kind is in no ecosystem"},
	}
	if diff := cmp.Diff(wantNot, in.Unmatched); diff != "" {
		t.Error(diff)
	}
	if _, err := OfLock(r, l, "linux/arm64"); err == nil {
		t.Error("a platform that is not locked must be refused")
	}
}

// TestOfCatalog: the locks of real services are understood.
func TestOfCatalog(t *testing.T) {
	for name, want := range map[string]string{
		"nats": "Go github.com/nats-io/nats-server/v2", "verdaccio": "npm ", "hello": "Go stdlib", "caddy": "Go golang.org/x/net",
	} {
		r, err := recipes.Load("../../recipes/catalog/" + name + "/recipe.yaml")
		if err != nil {
			t.Fatal(err)
		}
		l, err := recipes.ReadLock(r.LockPath())
		if err != nil {
			t.Fatal(err)
		}
		in, err := OfLock(r, l, "linux/amd64")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(in.Components, func(c Component) bool { return strings.HasPrefix(c.Ecosystem+" "+c.Name, want) }) {
			t.Errorf("%s: no component %s among %d", name, want, len(in.Components))
		}
	}
}
