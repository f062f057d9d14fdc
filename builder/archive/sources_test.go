package archive

import (
	"errors"
	"fmt"
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
