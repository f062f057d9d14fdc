package upstream

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// order is how an ecosystem compares versions.
type order interface {
	compare(a, b string) int
	prerelease(v string) bool
}

// semantic is the order of Semantic Versioning 2.0.0, section 11.
type semantic struct{}

func (semantic) compare(a, b string) int  { return semver.Compare("v"+a, "v"+b) }
func (semantic) prerelease(v string) bool { return semver.Prerelease("v"+v) != "" }

// plain is for versions that follow no specification: numbers are compared as
// numbers and all else as text, as dpkg does, and what is called a prerelease
// is older than what it precedes.
type plain struct{}

// The names that prereleases have: a word, or a letter between numbers, as in
// 1.0b2.
var prerelease = regexp.MustCompile(`(?i)^(.*?[0-9])(?:[._~-]?(alpha|beta|preview|pre|rc|dev|snapshot|nightly)($|[^a-z].*)|([abc])([0-9].*))$`)

func (plain) compare(a, b string) int { return archive.CompareVersions(earlier(a), earlier(b)) }

func (plain) prerelease(v string) bool { return prerelease.MatchString(v) }

// earlier writes a prerelease as dpkg understands it: with a tilde.
func earlier(v string) string {
	m := prerelease.FindStringSubmatch(v)
	if m == nil {
		return v
	}
	return m[1] + "~" + strings.ToLower(m[2]+m[4]) + strings.TrimLeft(m[3]+m[5], "._-")
}

var (
	// wellFormed is what a version may be at all, and taggable what an image's
	// tag may be of these.
	wellFormed = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~_-]{0,127}$`)
	taggable   = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)
)

// choose is the newest of the list that is wanted. A malformed version is an
// error, for whoever wrote it is not to be believed.
func choose(present string, u recipes.Update, list []Version, o order) (Found, error) {
	var best *Version
	for i, v := range list {
		if slices.Contains(u.Ignore, v.Text) {
			continue
		}
		if !wellFormed.MatchString(v.Text) {
			return Found{}, fmt.Errorf("%.60q is not a version", v.Text)
		}
		if !taggable.MatchString(v.Text) || !u.In(v.Text) || !u.Prereleases && o.prerelease(v.Text) {
			continue
		}
		if best == nil || o.compare(v.Text, best.Text) > 0 {
			best = &list[i]
		}
	}
	if best == nil {
		return Found{}, fmt.Errorf("of %d there is none that is wanted%s", len(list), within(u))
	}
	return Found{Version: *best, Order: o.compare(best.Text, present)}, nil
}

func within(u recipes.Update) string {
	if u.Channel == "" {
		return ""
	}
	return " in the channel " + u.Channel
}
