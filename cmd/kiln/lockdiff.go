package main

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sbom/scan"
)

// lockDifference is what two locks of one recipe differ in, as JSON has it. All
// lists are in order.
type lockDifference struct {
	// Changed is whether the new lock leads to another image: more than the
	// dates of the archive's indexes differs.
	Changed bool `json:"changed"`
	// Pinned are the things that are pinned otherwise, but for what steps fetch.
	Pinned    []recipes.LockChange `json:"pinned"`
	Platforms []platformDifference `json:"platforms"`
}

// platformDifference is what differs for one platform.
type platformDifference struct {
	Platform string `json:"platform"`
	// Fetched are packages of ecosystems, as ecosystem:name, and files by their
	// URLs.
	Fetched sbom.Changes `json:"fetched"`
	// ImageSize is of the Debian packages that the image has in any case, and
	// BuildSize of those of the build environment.
	ImageSize sizeChange `json:"imageSize"`
	BuildSize sizeChange `json:"buildSize"`
}

// sizeChange is the size of packages, as they are downloaded, in bytes.
type sizeChange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// lockDiff compares two locks. It asks nobody, and the same locks give the same
// difference.
func lockDiff(from, to *recipes.Lock) (lockDifference, error) {
	same, err := samePins(from, to)
	d := lockDifference{Changed: !same, Pinned: []recipes.LockChange{}, Platforms: []platformDifference{}}
	for _, c := range to.Changes(from) {
		if c.What != recipes.ChangeFetched {
			d.Pinned = append(d.Pinned, c)
		}
	}
	for _, p := range platformsOf(from, to) {
		a, b := lockedFor(from, p), lockedFor(to, p)
		d.Platforms = append(d.Platforms, platformDifference{
			Platform:  p,
			Fetched:   sbom.ChangesOf(fetchedVersions(a.Fetches), fetchedVersions(b.Fetches)),
			ImageSize: sizeChange{packagesSize(a.Image), packagesSize(b.Image)},
			BuildSize: sizeChange{packagesSize(a.Build), packagesSize(b.Build)},
		})
	}
	return d, err
}

// samePins compares two locks but for what changes each time that the archive
// writes its indexes: their dates, and the image's where it is taken from them.
func samePins(from, to *recipes.Lock) (bool, error) {
	var texts [2][]byte
	for i, l := range []*recipes.Lock{from, to} {
		plain := *l
		plain.Archives = nil
		if strings.HasSuffix(plain.Epoch.From, " InRelease") {
			plain.Epoch = recipes.Epoch{From: "the archive"}
		}
		var err error
		if texts[i], err = plain.Marshal(); err != nil {
			return false, err
		}
	}
	return bytes.Equal(texts[0], texts[1]), nil
}

func packagesSize(list []recipes.Package) (bytes int64) {
	for _, p := range list {
		bytes += p.Size
	}
	return bytes
}

// fetchedVersions are the versions of packages, and digests of other files.
func fetchedVersions(list []recipes.LockedFetch) map[string]string {
	lists := map[string][]string{}
	for _, c := range scan.OfFetches(list).Components {
		name := c.Ecosystem + ":" + c.Name
		lists[name] = append(lists[name], c.Version)
	}
	for _, f := range list {
		for _, file := range f.Files {
			if file.Ecosystem == "url" {
				lists[file.Path] = append(lists[file.Path], cmp.Or(file.SHA256, "any"))
			}
		}
	}
	m := map[string]string{}
	for name, list := range lists {
		slices.Sort(list)
		m[name] = strings.Join(slices.Compact(list), ", ")
	}
	return m
}

func platformsOf(locks ...*recipes.Lock) []string {
	names := map[string]bool{}
	for _, l := range locks {
		for _, p := range l.Platforms {
			names[p.Platform] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// lockedFor is what a lock has for a platform, which may be nothing.
func lockedFor(l *recipes.Lock, platform string) recipes.LockedPlatform {
	i := slices.IndexFunc(l.Platforms, func(p recipes.LockedPlatform) bool { return p.Platform == platform })
	if i < 0 {
		return recipes.LockedPlatform{}
	}
	return l.Platforms[i]
}
