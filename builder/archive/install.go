package archive

import (
	"path"
	"strings"
)

// documentation are the folders whose content a build environment does
// without. Copyright files are kept, by dpkg in links as well, and the folders
// of manual pages, where update-alternatives puts links.
var documentation = []string{"usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/doc"}

// isDocumentation reports whether the entry of this path is left out.
func isDocumentation(name string) bool {
	if strings.HasPrefix(name, "usr/share/doc/") &&
		(strings.Count(name, "/") == 3 || strings.HasSuffix(name, "/copyright")) {
		return false
	}
	if ok, _ := path.Match("usr/share/man/man?", name); ok {
		return false
	}
	for _, dir := range documentation {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// ConfigureCommand is the command that configures, in a root made by
// [WriteRootTar] and without network, the packages that it is made of.
func ConfigureCommand() []string {
	return []string{"dpkg", "--force-depends", "--force-unsafe-io", "--force-confnew", "--configure", "--pending"}
}

// InstallCommand is the command that installs all further packages of a
// [Resolution] at once, in a root in which [ConfigureCommand] ran, and without
// network. debs are paths in that root.
//
// All packages are unpacked before the first is configured. That breaks
// Pre-Depends only in name, since what every maintainer script may use is
// there from the start; hence --force-depends.
func InstallCommand(debs ...string) []string {
	cmd := []string{"dpkg", "--force-depends", "--force-unsafe-io", "--force-confnew"}
	for _, dir := range documentation {
		cmd = append(cmd, "--path-exclude=/"+dir+"/*")
	}
	cmd = append(cmd, "--path-include=/usr/share/doc/*/copyright", "--path-include=/usr/share/man/man?", "--install")
	return append(cmd, debs...)
}

// InstallEnv is the environment that [InstallCommand] runs in.
func InstallEnv() []string {
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true",
	}
}
