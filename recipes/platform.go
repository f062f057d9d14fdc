package recipes

import (
	"fmt"
	"slices"
)

// For returns what the lock pins for the platform (os/arch).
func (l *Lock) For(platform string) (LockedPlatform, error) {
	for _, p := range l.Platforms {
		if p.Platform == platform {
			return p, nil
		}
	}
	return LockedPlatform{}, fmt.Errorf("reading lock: nothing is locked for the platform %s", platform)
}

// RunsOn is the platform that the build environment runs on.
func (p LockedPlatform) RunsOn() string {
	if p.Builder == "" {
		return p.Platform
	}
	return p.Builder
}

// Builder is the platform that the build environment for a platform runs on:
// the platform itself where that is linux/amd64 or the recipe says native,
// else linux/amd64, where the service is cross-compiled. It does not depend on
// the machine, so that a lock is the same wherever it is made.
func (r *Recipe) Builder(platform string) string {
	if r.Build.Native {
		return platform
	}
	return DefaultPlatform
}

func checkPlatforms(c *checker, path string, list []string) {
	for i, p := range list {
		switch {
		case p == "":
		case !slices.Contains(platforms(), p):
			c.bad(index(path, i), hint(p, "platforms", platforms()), "unknown platform %q", clip(p))
		case slices.Contains(list[:i], p):
			c.bad(index(path, i), "leave out one of them", "platform %s is given twice", p)
		}
	}
	if list != nil && len(list) == 0 {
		c.bad(path, "leave it out for "+DefaultPlatform, "%s is empty", path)
	}
}

// checkNative refuses what would change nothing.
func checkNative(c *checker, r *Recipe) {
	if r.Build.Native && !slices.ContainsFunc(r.Platforms, func(p string) bool { return p != DefaultPlatform }) {
		c.bad("build.native", "leave it out, or name another platform in `platforms`",
			"build.native says nothing where %s is the only platform", DefaultPlatform)
	}
}
