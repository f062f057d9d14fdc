package archive

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

const statusText = `Package: libc6
Status: install ok installed
Version: 2.41-12
Architecture: amd64
Source: glibc
Conffiles:
 /etc/ld.so.conf 0123

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: all

Package: libstdc++6
Version: 14.2.0-19
Architecture: amd64
Source: gcc-14 (14.2.0-18)
`

func TestInstalled(t *testing.T) {
	got, err := Installed([]byte(statusText))
	if err != nil {
		t.Fatal(err)
	}
	want := []recipes.Package{
		{Name: "libc6", Version: "2.41-12", Architecture: "amd64", Source: "glibc"},
		{Name: "libstdc++6", Version: "14.2.0-19", Architecture: "amd64", Source: "gcc-14", SourceVersion: "14.2.0-18"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := Installed(nil); got != nil || err != nil {
		t.Errorf("nothing: got %v, %v", got, err)
	}
	for _, bad := range []string{"no field\n", "Package: a\n", "Package: ../a\nVersion: 1\nArchitecture: all\n", "Package: a\nVersion: 1 2\nArchitecture: all\n"} {
		if _, err := Installed([]byte(bad)); err == nil {
			t.Errorf("%q was not refused", bad)
		}
	}
}

func FuzzInstalled(f *testing.F) {
	f.Add([]byte(statusText))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := Installed(b)
		for _, p := range list {
			if err == nil && (checkName(p.Name) != nil || checkVersion(p.Version) != nil) {
				t.Errorf("%+v is no package", p)
			}
		}
	})
}
