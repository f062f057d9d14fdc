package archive

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sourceStanza is an entry of a Sources index whose files hold their names.
func sourceStanza(name, version, format string, files ...string) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nFormat: %s\nDirectory: pool/main/%s\nChecksums-Sha256:\n%s\n",
		name, version, format, name, checksums(files))
}

func checksums(files []string) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, " %s %d %s\n", hashOf(f), len(f), f)
	}
	return b.String()
}

func TestSources(t *testing.T) {
	a := newArchive(t)
	a.publish(t, Debian, "trixie", "", sourceStanza("nginx", "1.26-1", "3.0 (quilt)", "nginx_1.26.orig.tar.gz", "nginx_1.26-1.dsc"))
	a.publish(t, Debian, "trixie-updates", "", "")
	a.publish(t, Security, "trixie-security", "", sourceStanza("nginx", "1.26-1+deb13u1", "3.0 (quilt)", "nginx_1.26-1+deb13u1.dsc"))
	a.publish(t, Debian, "trixie-backports", "", sourceStanza("nginx", "1.28-1", "3.0 (quilt)", "nginx_1.28-1.dsc"))
	s, err := a.client(t).Sources(t.Context(), "trixie")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Lookup("nginx", "1.26-1", "")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) File {
		return File{Archive: Debian, Path: "pool/main/nginx/" + name, Size: int64(len(name)), SHA256: hashOf(name), For: "nginx 1.26-1"}
	}
	want := Source{
		Name: "nginx", Version: "1.26-1", Format: "3.0 (quilt)", Archive: Debian, Suite: "trixie",
		Files: []File{file("nginx_1.26-1.dsc"), file("nginx_1.26.orig.tar.gz")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("source (-want +got):\n%s", d)
	}
	for in, want := range map[string]string{"": "1.26-1+deb13u1", "1.28-1": "1.28-1"} {
		if got, err := s.Lookup("nginx", in, ""); err != nil || got.Version != want {
			t.Errorf("Lookup(nginx, %q) = %s, %v, want %s", in, got.Version, err, want)
		}
	}
	var unknown *UnknownError
	if _, err := s.Lookup("nginy", "", ""); !errors.As(err, &unknown) || unknown.Hint() != "did you mean nginx?" {
		t.Errorf("got %v, want an UnknownError with a hint", err)
	}
	if _, err := s.Lookup("nginx", "9", ""); !errors.As(err, &unknown) || !strings.Contains(unknown.Hint(), "1.28-1") {
		t.Errorf("got %v, want an UnknownError with the versions there are", err)
	}
}

// sourceOf is a source package with the files given and a .dsc.
func sourceOf(files ...string) Source {
	s := Source{Name: "x", Version: "1-1"}
	for _, f := range append(files, "x_1-1.dsc") {
		s.Files = append(s.Files, File{Path: "pool/main/x/" + f, Size: int64(len(f)), SHA256: hashOf(f)})
	}
	return s
}

func dscText(format string, files ...string) string {
	return fmt.Sprintf("Format: %s\nSource: x\nVersion: 1-1\nChecksums-Sha256:\n%s", format, checksums(files))
}

func TestParseDsc(t *testing.T) {
	tests := []struct {
		format string
		files  []string
		want   string // orig, debian, diff, components
	}{
		{"3.0 (quilt)", []string{"x_1.orig.tar.xz", "x_1.orig.tar.xz.asc", "x_1-1.debian.tar.xz", "x_1.orig-docs.tar.gz"}, "x_1.orig.tar.xz x_1-1.debian.tar.xz . docs=x_1.orig-docs.tar.gz"},
		{"3.0 (native)", []string{"x_1-1.tar.xz"}, "x_1-1.tar.xz . ."},
		{"1.0", []string{"x_1.orig.tar.gz", "x_1-1.diff.gz"}, "x_1.orig.tar.gz . x_1-1.diff.gz"},
		{"1.0", []string{"x_1-1.tar.gz"}, "x_1-1.tar.gz . ."},
		{"3.0 (quilt)", []string{"x_1.orig.tar.xz"}, "error"},
		{"3.0 (native)", []string{"x_1.tar.xz", "x_2.tar.xz"}, "error"},
		{"3.0 (quilt)", []string{"x_1.orig.tar.xz", "x_1-1.debian.tar.xz", "x.exe"}, "error"},
		{"2.0", []string{"x_1.tar.xz"}, "error"},
	}
	for _, tt := range tests {
		for _, signed := range []bool{false, true} {
			text := dscText(tt.format, tt.files...)
			if signed {
				text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + text + "\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
			}
			d, err := ParseDsc([]byte(text), sourceOf(tt.files...))
			got := "error"
			if err == nil {
				got = strings.Join([]string{path.Base(d.Orig.Path), path.Base(d.Debian.Path), path.Base(d.Diff.Path)}, " ")
				for name, f := range d.Components {
					got += " " + name + "=" + path.Base(f.Path)
				}
			}
			if got != tt.want {
				t.Errorf("%s %v: got %q, %v, want %q", tt.format, tt.files, got, err, tt.want)
			}
		}
	}
}

func TestParseDscRefuses(t *testing.T) {
	files := []string{"x_1-1.tar.xz"}
	good := dscText("3.0 (native)", files...)
	for name, text := range map[string]string{
		"other digest":  strings.Replace(good, hashOf(files[0]), hashOf("other"), 1),
		"other size":    strings.Replace(good, " 12 x_1", " 13 x_1", 1),
		"further file":  good + checksums([]string{"y.tar.xz"}),
		"other package": strings.Replace(good, "Source: x", "Source: y", 1),
		"other version": strings.Replace(good, "Version: 1-1", "Version: 1-2", 1),
		"no digests":    "Format: 3.0 (native)\nSource: x\nVersion: 1-1\n",
	} {
		if _, err := ParseDsc([]byte(text), sourceOf(files...)); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}

func FuzzParseDsc(f *testing.F) {
	f.Add([]byte(dscText("3.0 (native)", "x_1-1.tar.xz")))
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\n\nFormat: 1.0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDsc(b, sourceOf("x_1-1.tar.xz"))
		if err == nil && d.Orig.SHA256 != hashOf("x_1-1.tar.xz") {
			t.Errorf("got %+v from %q", d, b)
		}
	})
}
