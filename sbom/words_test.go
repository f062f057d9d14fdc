package sbom

import (
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

func TestSupplier(t *testing.T) {
	tests := map[string]string{
		"Mark Brown <broonie@debian.org>":                                 "Person: Mark Brown (broonie@debian.org)",
		"Laszlo Boszormenyi (GCS) <gcs@debian.org>":                       "Person: Laszlo Boszormenyi (GCS) (gcs@debian.org)",
		"Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>": "Organization: Debian OpenSSL Team (pkg-openssl-devel@alioth-lists.debian.net)",
		"GNU Libc Maintainers <debian-glibc@lists.debian.org>":            "Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)",
		"Debian QA Group <packages@qa.debian.org>":                        "Organization: Debian QA Group (packages@qa.debian.org)",
		`Anna "Ann" Doe <a@example.org>`:                                  "Person: Anna 'Ann' Doe (a@example.org)",
		"Nobody":                                                          "Person: Nobody",
	}
	for in, want := range tests {
		s := supplier(in)
		if got := s.SupplierType + ": " + s.Supplier; got != want {
			t.Errorf("supplier(%q) = %q, want %q", in, got, want)
		}
	}
	if got := supplier(" "); got != nil {
		t.Errorf("supplier of nothing is %v", got)
	}
}

func TestPurl(t *testing.T) {
	tests := map[string]purl{
		"pkg:golang/stdlib@1.27.1":                     {Type: "golang", Name: "stdlib", Version: "1.27.1"},
		"pkg:deb/debian/g%2B%2B@4:14.2.0-1?arch=amd64": debianPurl("g++", "4:14.2.0-1", map[string]string{"arch": "amd64", "distro": ""}),
		"pkg:generic/a%20b%40c":                        {Type: "generic", Name: "a b@c"},
		"pkg:oci/nats@sha256:ab?arch=arm64&repository_url=registry.corp:5000/platform/nats": ociPurl("registry.corp:5000/platform/Nats", "sha256:ab", "linux/arm64/v8", "registry.corp:5000/platform/nats"),
	}
	for want, p := range tests {
		if got := p.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDistro(t *testing.T) {
	for suite, want := range map[string]string{
		"bookworm": "debian-12", "trixie-security": "debian-13", "trixie-backports": "debian-13",
		"forky": "debian-14", "sid": "debian-sid", "unstable": "debian-sid", "": "",
	} {
		if got := distro(suite); got != want {
			t.Errorf("distro(%q) = %q, want %q", suite, got, want)
		}
	}
}

func TestGitLocation(t *testing.T) {
	for in, want := range map[string]string{ //nolint:gosec // made up for the test
		"https://token:x@git.example/a/b.git": "git+https://git.example/a/b.git@c0ffee",
		"ssh://git:x@git.example/a/b.git":     "git+ssh://git@git.example/a/b.git@c0ffee",
		"git@git.example:a/b.git":             "git+ssh://git@git.example/a/b.git@c0ffee",
		"../b":                                "NOASSERTION",
	} {
		if got := gitLocation(in, "c0ffee"); got != want {
			t.Errorf("gitLocation(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFileType(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/share/doc/zlib1g/copyright": "DOCUMENTATION",
		"/usr/lib/libz.so.1.3.1":          "BINARY",
		"/opt/app.jar":                    "ARCHIVE",
		"/etc/passwd":                     "TEXT",
		"/usr/share/zoneinfo/UTC":         "OTHER",
	} {
		if got := fileType(recipes.File{Path: path, Mode: 0o644}); got != want {
			t.Errorf("fileType(%s) = %s, want %s", path, got, want)
		}
	}
	if got := fileType(recipes.File{Path: "/usr/bin/served", Mode: 0o755}); got != "BINARY" {
		t.Errorf("fileType of a program = %s, want BINARY", got)
	}
}

func TestIDsAreUnique(t *testing.T) {
	m := ids{}
	seen := map[string]bool{}
	for _, name := range []string{"libstdc++6", "libstdc--6", "libstdc~~6", "libstdc++6"} {
		seen[string(m.make("Package", name))] = true
	}
	if len(seen) != 4 {
		t.Errorf("got ids %v, want 4", seen)
	}
}
