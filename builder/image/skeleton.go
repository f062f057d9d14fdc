package image

import (
	"archive/tar"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// skeleton is what every base of kiln's has besides packages.
func (a *assembly) skeleton(newest int64) []layer.Entry {
	dir := func(p string, mode int64) layer.Entry {
		return layer.Entry{Time: newest, File: recipes.File{Path: p, Type: tar.TypeDir, Mode: mode, Owner: recipes.OwnerBase}}
	}
	link := func(p, target string) layer.Entry { return linkEntry(p, target, newest) }
	file := func(p, text string) layer.Entry {
		return fileEntry(p, []byte(text), newest, recipes.OwnerBase)
	}
	entries := []layer.Entry{
		dir("/tmp", 0o1777), dir("/etc", 0o755), dir("/usr", 0o755), dir("/usr/bin", 0o755), dir("/usr/sbin", 0o755), dir("/usr/lib", 0o755), dir("/usr/lib64", 0o755),
		link("/bin", "usr/bin"), link("/sbin", "usr/sbin"), link("/lib", "usr/lib"), link("/lib64", "usr/lib64"),
		link("/etc/os-release", "../usr/lib/os-release"),
		// Where OpenSSL looks for authorities, as Debian compiles it.
		dir("/usr/lib/ssl", 0o755), link("/usr/lib/ssl/cert.pem", "../../../etc/ssl/certs/ca-certificates.crt"),
		file("/usr/lib/os-release", osRelease(a.Recipe.Suite)),
		file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n"),
	}
	return entries
}

// osRelease names the suite in the way of os-release(5), by which scanners
// find out whose advisories apply.
func osRelease(suite string) string {
	fields := []string{
		`PRETTY_NAME="kiln base (Debian ` + suite + `)"`, `NAME="Debian GNU/Linux"`, "ID=debian",
		"VERSION_CODENAME=" + suite, `HOME_URL="https://www.debian.org/"`,
	}
	if n, ok := debianVersion(suite); ok {
		fields = append(fields, `VERSION_ID="`+n+`"`)
	}
	return strings.Join(fields, "\n") + "\n"
}

// debianVersion is the number of a release
// (https://www.debian.org/releases/). Sid has none.
func debianVersion(suite string) (string, bool) {
	n, ok := map[string]string{"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}[suite]
	return n, ok
}

// linkEntry is a symbolic link of kiln's.
func linkEntry(p, target string, time int64) layer.Entry {
	return layer.Entry{Time: time, File: recipes.File{Path: p, Type: tar.TypeSymlink, Mode: 0o777, Linkname: target, Owner: recipes.OwnerBase}}
}
