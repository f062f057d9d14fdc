package scan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// What is installed has advisories by its source packages, and is found again
// as binary ones.
func TestInstalled(t *testing.T) {
	list := []recipes.Package{
		{Name: "libc6", Version: "2.41-12+b1", Architecture: "amd64", Source: "glibc", SourceVersion: "2.41-12"},
		{Name: "tzdata", Version: "2026a-0+deb13u1", Architecture: "all"},
	}
	in := OfInstalled(list, "trixie")
	var got []string
	for _, c := range in.Components {
		got = append(got, c.Ecosystem+" "+c.String())
	}
	if diff := cmp.Diff([]string{"Debian:13 glibc 2.41-12", "Debian:13 tzdata 2026a-0+deb13u1"}, got); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	want := []recipes.Package{
		{Name: "libc6", Version: "2.41-12+b1", Architecture: "amd64"}, {Name: "tzdata", Version: "2026a-0+deb13u1", Architecture: "all"},
	}
	if diff := cmp.Diff(want, in.Debian()); diff != "" {
		t.Errorf("binary packages (-want +got):\n%s", diff)
	}
	if unknown := OfInstalled(list, "unheard"); len(unknown.Components) > 0 || len(unknown.Unmatched) != 2 {
		t.Errorf("of no release: got %+v", unknown)
	}
}

// Many at once find what each finds alone.
func TestFindAll(t *testing.T) {
	db := database(t, map[string][]string{
		"Go": {`{"id":"GO-1","modified":"2026-11-01T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"example.com/net"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}`},
	})
	var list []Inventory
	for _, purls := range [][]string{{"pkg:golang/example.com/net@v1.1.0"}, {}, {"pkg:golang/example.com/net@v1.2.0", "pkg:npm/x@1"}} {
		var in Inventory
		for _, p := range purls {
			in.add(p)
		}
		list = append(list, in)
	}
	all, err := FindAll(db, list)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range list {
		alone, err := Find(db, in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone, all[i]); diff != "" {
			t.Errorf("%d (-alone +together):\n%s", i, diff)
		}
	}
	if len(all[0].Findings) != 1 || len(all[1].Findings) != 0 || len(all[2].Missing) != 1 {
		t.Errorf("got %+v", all)
	}
}
