package recipes

import "strings"

// KindPage is a tracker; the others have names that sources and steps have.
const KindPage = "page"

// VersionMark stands in [Update] for the version that is looked at.
const VersionMark = "${version}"

// Update says where newer versions of the service are looked for. At most one
// of Go, Npm, Git, Page and Debian is set; without one it is where the one source
// comes from that is not local, if it is a Go module or a git tag of the recipe's
// version, or a Debian source package.
//
// [Recipe.Tracks] decides that.
type Update struct {
	// Go is the path of a Go module, whose versions the module proxy lists.
	Go string `yaml:"go"`
	// Npm is the name of a package in the npm registry.
	Npm string `yaml:"npm"`
	// Git is the URL of a git repository whose tags are versions.
	Git string `yaml:"git"`
	// Tags is what a tag of the repository looks like, with ${version} in the
	// place of the version. Empty is v${version}.
	Tags string `yaml:"tags" kiln:"raw"`
	// Page is the URL of a page that names versions.
	Page string `yaml:"page"`
	// Regexp is a regular expression (RE2) for the page. What its first group
	// matches is a version.
	Regexp string `yaml:"regexp" kiln:"raw"`
	// Debian is the name of a source package in the suite. Its upstream
	// version is the one of the service.
	Debian string `yaml:"debian"`
	// Channel is the beginning of the versions that are wanted, as 2.x or
	// 1.28.x. Empty is any.
	Channel string `yaml:"channel" kiln:"raw"`
	// Ignore are versions that are not wanted.
	Ignore []string `yaml:"ignore" kiln:"number,raw"`
	// Prereleases wants alpha and beta versions and release candidates too.
	Prereleases bool `yaml:"prereleases"`
	// Changelog is the URL of what changed with a version, which ${version}
	// stands for.
	Changelog string `yaml:"changelog" kiln:"raw"`
	// Checksums is the URL of upstream's list of SHA-256 sums, as sha256sum
	// writes them, which archive sources are compared with. The version is
	// ${version} there.
	Checksums string `yaml:"checksums" kiln:"raw"`
}

func (u *Update) kindSets() []kindSet {
	return []kindSet{
		{KindGo, u.Go != ""}, {KindNpm, u.Npm != ""}, {KindGit, u.Git != ""},
		{KindPage, u.Page != ""}, {KindDebian, u.Debian != ""},
	}
}

// Kind is go, npm, git, page or debian, or empty where nothing is named.
func (u Update) Kind() string { return first(present(u.kindSets())) }

// Subject is what is asked for versions: a module, a package, a URL.
func (u Update) Subject() string { return u.Go + u.Npm + u.Git + u.Page + u.Debian }

// In reports whether the version is in the channel.
func (u Update) In(version string) bool {
	series, ok := strings.CutSuffix(u.Channel, ".x")
	if !ok {
		return true
	}
	rest, ok := strings.CutPrefix(version, series)
	return ok && (rest == "" || strings.IndexByte(".-+~", rest[0]) >= 0)
}

// Tracks is where newer versions of the service are looked for: what `update`
// says, and where it names no tracker, the recipe's one source that has a
// version: a Go module or a git ref with the recipe's, or a Debian source
// package without one. Of an npm package below a local source nothing is
// derived. It is false where nothing is known.
func (r *Recipe) Tracks() (Update, bool) {
	var u Update
	if r.Update != nil {
		u = *r.Update
	}
	if u.Kind() == "" {
		u = r.derived(u)
	}
	if u.Git != "" && u.Tags == "" {
		u.Tags = "v" + VersionMark
	}
	return u, u.Kind() != ""
}

// derived adds to u what the one source that is not local says.
func (r *Recipe) derived(u Update) Update {
	var one *Source
	for i, s := range r.Sources {
		switch {
		case s.Local != nil:
		case one != nil:
			return u
		default:
			one = &r.Sources[i]
		}
	}
	switch {
	case one == nil:
	case one.Go != "":
		mod, version, _ := strings.Cut(one.Go, "@")
		if strings.TrimSuffix(version, "+incompatible") == "v"+r.Version {
			u.Go = mod
		}
	case one.Debian != nil:
		u.Debian = one.Debian.Package
	case one.Git != nil && strings.Count(one.Git.Ref, r.Version) == 1:
		u.Git, u.Tags = one.Git.URL, strings.Replace(one.Git.Ref, r.Version, VersionMark, 1)
	}
	return u
}
