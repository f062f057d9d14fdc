package image

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func stanzaOf(name, version string) string {
	return "Package: " + name + "\nVersion: " + version + "\nArchitecture: amd64\n\n"
}

func TestExamine(t *testing.T) {
	const dpkg = "var/lib/dpkg/"
	for _, tt := range []struct {
		name  string
		texts map[string]string
		want  *Contents
	}{
		{"nothing is known", map[string]string{"app": "x"}, &Contents{}},
		{"a distribution", map[string]string{
			dpkg + "status": stanzaOf("b", "2") + stanzaOf("a", "1"), "etc/os-release": "ID=debian\nVERSION_CODENAME=\"trixie\"\n",
		}, &Contents{Packages: []recipes.Package{{Name: "a", Version: "1", Architecture: "amd64"}, {Name: "b", Version: "2", Architecture: "amd64"}},
			Distribution: "debian", Codename: "trixie"}},
		{"a distroless one", map[string]string{
			dpkg + "status.d/a": stanzaOf("a", "1"), dpkg + "status.d/a.md5sums": "0123  usr/a\n", "usr/lib/os-release": "ID=debian\n",
		}, &Contents{Packages: []recipes.Package{{Name: "a", Version: "1", Architecture: "amd64"}}, Distribution: "debian"}},
		{"a broken database", map[string]string{dpkg + "status": "Package: ../x\n"}, &Contents{Unread: "/var/lib/dpkg/status: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []tar.Header
			for name := range tt.texts {
				headers = append(headers, tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644})
			}
			got, err := Examine(imageOf(t, headers, tt.texts))
			if err != nil {
				t.Fatal(err)
			}
			got.Findings = nil
			if tt.want.Unread != "" && strings.HasPrefix(got.Unread, tt.want.Unread) {
				got.Unread = tt.want.Unread
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
