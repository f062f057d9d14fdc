package sbom

import (
	"archive/tar"
	"crypto/sha1" //nolint:gosec // SPDX 2.3 demands SHA1
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// regular is a file whose content is its path.
func regular(path, owner string, mode int64) recipes.File {
	sum := sha1.Sum([]byte(path)) //nolint:gosec // SPDX 2.3 demands SHA1
	return recipes.File{
		Path: path, Type: tar.TypeReg, Mode: mode, Size: int64(len(path)), Owner: owner,
		SHA1: hex.EncodeToString(sum[:]), SHA256: sha256Hex(path),
	}
}

func deb(name, version, source string) recipes.Package {
	return recipes.Package{
		Name: name, Version: version, Architecture: "amd64", Source: source,
		Archive: "debian", Suite: "trixie", Path: "pool/main/x/" + name + "_amd64.deb",
		Size: 1000, SHA256: sha256Hex(name),
	}
}

func copyrightText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "copyright", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fixture is a small image with an owner of every kind.
func fixture(t testing.TB) Input {
	t.Helper()
	svc, base, image := recipes.OwnerService, recipes.OwnerBase, recipes.OwnerImage
	libssl, zlib := recipes.OwnerDebian("libssl3t64"), recipes.OwnerDebian("zlib1g")
	files := []recipes.File{
		{Path: "/usr", Type: tar.TypeDir, Mode: 0o755, Owner: base},
		regular("/usr/bin/served", svc, 0o755),
		regular("/usr/lib/x86_64-linux-gnu/libssl.so.3", libssl, 0o644),
		regular("/usr/share/doc/libssl3t64/copyright", libssl, 0o644),
		regular("/usr/lib/x86_64-linux-gnu/libz.so.1.3.1", zlib, 0o644),
		{Path: "/usr/lib/x86_64-linux-gnu/libz.so.1", Type: tar.TypeSymlink, Linkname: "libz.so.1.3.1", Owner: zlib},
		regular("/etc/passwd", base, 0o644),
		regular("/etc/served.conf", svc, 0o644),
		regular("/opt/vendor/tool", image, 0o755),
		regular("/usr/bin/gcc-notes.txt", recipes.OwnerDebian("libgcc-s1"), 0o644),
		regular("/usr/share/zoneinfo/tzdata.zi", recipes.OwnerDebian("tzdata"), 0o644),
	}
	libgcc := deb("libgcc-s1", "14.2.0-19", "gcc-14")
	return Input{
		Recipe: &recipes.Recipe{
			Name: "served", Version: "1.4.2", Summary: "Serves", License: "apache-2.0 and (MIT or bsd-3-clause)",
			Homepage: "https://served.example", Suite: "trixie",
			Sources: []recipes.Source{
				{Archive: &recipes.ArchiveSource{URL: "https://user:secret@served.example/served-1.4.2.tar.gz", SHA256: sha256Hex("served")}}, //nolint:gosec // made up for the test
				{Git: &recipes.GitSource{URL: "git@code.example:served/plugins.git", Ref: "main"}, Into: "plugins"},
				{Go: "Example.org/Tool@v0.3.0", Into: "tool"},
				{Debian: &recipes.DebianSource{Package: "pcre2"}, Into: "pcre2"},
				{Local: &recipes.LocalSource{Path: "extra"}, Into: "extra"},
			},
			Image: recipes.Image{Base: "registry.example/base/minimal@sha256:" + sha256Hex("base")},
			Build: recipes.Build{Image: "registry.example/build/gcc@sha256:" + sha256Hex("gcc")},
		},
		Lock: &recipes.Lock{
			Epoch: recipes.Epoch{Seconds: 1767225600, From: "test"},
			Sources: []recipes.LockedSource{
				{Kind: "archive", Name: "served-1.4.2.tar.gz", Files: []recipes.LockedFile{{Path: "served-1.4.2.tar.gz", SHA256: sha256Hex("served")}}},
				{Kind: "git", Name: "plugins", Commit: "8f2c3de1a0b94f5f6c7d8e9f00112233445566aa"},
				{Kind: "go", Name: "Example.org/Tool", Version: "v0.3.0", Sum: "h1:8Yt3IFp1yyTtqBDZXRH9O6JvS6b7dzaYOqM8tbT0Wv0=",
					Files: []recipes.LockedFile{{Path: "v0.3.0.zip", SHA256: sha256Hex("zip")}}},
				{Kind: "debian", Name: "pcre2", Version: "10.45-1", Files: []recipes.LockedFile{
					{Path: "pool/main/p/pcre2/pcre2_10.45-1.dsc", SHA256: sha256Hex("dsc")},
					{Path: "pool/main/p/pcre2/pcre2_10.45.orig.tar.gz", SHA256: sha256Hex("orig")}}},
				{Kind: "local", Name: "extra"},
			},
			Platforms: []recipes.LockedPlatform{{
				Platform: "linux/amd64",
				Build:    []recipes.Package{deb("gcc-14", "14.2.0-19", ""), deb("make", "4.4.1-2", "make-dfsg"), deb("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "zlib")},
			}},
		},
		Platform: "linux/amd64", Repository: "registry.example/platform/Served",
		Digest: v1.Hash{Algorithm: "sha256", Hex: sha256Hex("manifest")},
		Content: &recipes.Content{
			Packages: []recipes.Installed{
				{Package: deb("gcc-14-base", "14.2.0-19", "gcc-14"), Maintainer: "Debian GCC Maintainers <debian-gcc@lists.debian.org>", Copyright: copyrightText(t, "base-files")},
				{Package: libgcc, Maintainer: "Matthias Klose <doko@debian.org>"},
				{Package: deb("libssl3t64", "3.5.4-1~deb13u1", "openssl"), Maintainer: "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>",
					Homepage: "https://www.openssl.org/", Description: "Secure Sockets Layer toolkit - shared libraries\nlonger text", Copyright: copyrightText(t, "libssl3")},
				{Package: deb("tzdata", "2026a-0+deb13u1", ""), Maintainer: `GNU "Libc" Maintainers <debian-glibc@lists.debian.org>`, Copyright: copyrightText(t, "tzdata")},
				{Package: deb("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "zlib"), Maintainer: "Mark Brown <broonie@debian.org>", Copyright: copyrightText(t, "zlib1g")},
			},
			Files: files,
		},
		Tools:   []string{"gcc-14"},
		Version: "0.1.0",
	}
}
