package archive

import (
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// Newer is what an index has newer than a package.
type Newer struct {
	// Newest is the package in its newest version. One that is in several
	// suites is from the first in the order release, updates, security.
	Newest recipes.Package
	// Security is the suite of security updates that has a newer version,
	// whether that is the newest or not; empty where it has none.
	Security string
}

// Newer finds newer versions of the package name than version. Those of
// backports count for a version that is from there alone.
func (x *Index) Newer(name, version string) (n Newer, ok bool) {
	for i := range x.parts {
		part := &x.parts[i]
		if part.backports && !strings.Contains(version, "~bpo") {
			continue
		}
		for _, row := range part.named(name) {
			p, _ := part.pkg(row)
			if CompareVersions(p.Version, version) <= 0 {
				break // the newest comes first
			}
			if !ok || CompareVersions(p.Version, n.Newest.Version) > 0 {
				n.Newest, ok = p, true
			}
			if part.release.archive == Security {
				n.Security = p.Suite
			}
		}
	}
	return n, ok
}
