package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func TestLinkedSummary(t *testing.T) {
	held := func(path, name, version string) recipes.Linked {
		return recipes.Linked{
			Path: path, Package: recipes.Installed{Package: recipes.Package{Name: name, Version: version}},
			Archives: []recipes.LinkedArchive{{Path: "/usr/lib/lib" + name + ".a", Members: 1, All: 2}},
		}
	}
	list := []recipes.Linked{held("/a", "ssl-dev", "3"), held("/a", "z-dev", "1.3"), held("/b", "z-dev", "1.3"), held("/c", "z-dev", "1.3"), held("/d", "z-dev", "1.3"), held("/e", "z-dev", "1.3")}
	for _, c := range []struct {
		list []recipes.Linked
		want string
	}{
		{nil, ""},
		{list[:3], "  linked      /a: ssl-dev 3, z-dev 1.3\n  linked      /b: z-dev 1.3\n"},
		{list, "  linked      /a: ssl-dev 3, z-dev 1.3\n  linked      /b: z-dev 1.3\n  linked      /c: z-dev 1.3\n  linked      /d: z-dev 1.3\n" +
			"  linked      and 1 more; --output json has them all\n"},
	} {
		var stderr bytes.Buffer
		(&build{stderr: &stderr}).linked(&platformResult{Linked: linkedResults(c.list)})
		if diff := cmp.Diff(c.want, stderr.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want := linkedResult{Path: "/a", Package: "ssl-dev", Version: "3", Archives: []string{"/usr/lib/libssl-dev.a"}}
	if diff := cmp.Diff(want, linkedResults(list)[0]); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}
