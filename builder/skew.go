package builder

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kiln-build/kiln/recipes"
)

// SkewError says that the platforms of one image would not hold the same: the
// archive has a package in different versions for them. That is so for hours
// after an update, until all architectures have built it.
type SkewError struct {
	// Package has the version Versions[0] on Platforms[0], Versions[1] on
	// Platforms[1].
	Package             string
	Platforms, Versions [2]string
}

func (e *SkewError) Error() string {
	return fmt.Sprintf("locking packages: %s is %s for %s and %s for %s, so that the platforms of one image would differ",
		e.Package, e.Versions[0], e.Platforms[0], e.Versions[1], e.Platforms[1])
}

// Hint is the way out.
func (e *SkewError) Hint() string {
	return "the archive builds an update for each architecture at its own time; lock again in a few hours, or give each platform a recipe of its own"
}

// checkSkew compares what the platforms have of each package, by the version
// of the source package: rebuilds of the same source for one architecture
// (+b1) are none of another version. What runs the build and what goes into
// the image count alike, for both decide what the image does.
func checkSkew(platforms []recipes.LockedPlatform) error {
	type held struct{ platform, version string }
	first := map[string]held{}
	for _, p := range platforms {
		for _, pkg := range slices.Concat(p.Image, p.Build) {
			version := cmp.Or(pkg.SourceVersion, pkg.Version)
			old, ok := first[pkg.Name]
			switch {
			case !ok:
				first[pkg.Name] = held{p.Platform, version}
			case old.platform != p.Platform && old.version != version:
				return &SkewError{Package: pkg.Name, Platforms: [2]string{old.platform, p.Platform}, Versions: [2]string{old.version, version}}
			}
		}
	}
	return nil
}

// sameArchives refuses indexes of different times, which a mirror that is
// updated meanwhile gives.
func sameArchives(archives [][]recipes.Archive, platforms []string) error {
	for i, list := range archives[1:] {
		if !slices.Equal(list, archives[0]) {
			return fmt.Errorf("locking packages for %s and %s: the archive changed meanwhile; lock again", platforms[0], platforms[i+1])
		}
	}
	return nil
}
