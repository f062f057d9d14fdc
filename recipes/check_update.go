package recipes

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

var (
	channelForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*\.x$`)
	npmForm     = regexp.MustCompile(`^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$`)
	// marked is a text in which only ${version} is put in, later.
	marked = regexp.MustCompile(`^[^$]*(\$\{version\}[^$]*)*$`)
)

func checkUpdate(c *checker, r *Recipe) {
	u := r.Update
	if u == nil {
		return
	}
	if kinds := present(u.kindSets()); len(kinds) > 1 {
		c.bad("update", "name one", "update is %s at once", strings.Join(kinds, " and "))
		return
	}
	checkTracker(c, u)
	checkCompanions(c, u)
	checkMarked(c, "update.changelog", u.Changelog)
	checkMarked(c, "update.checksums", u.Checksums)
	switch _, known := r.Tracks(); {
	case u.Channel != "" && !channelForm.MatchString(u.Channel):
		c.bad("update.channel", "write it as 2.x or 1.28.x", "update.channel %q is not the beginning of a version", clip(u.Channel))
	case r.Version != "" && !u.In(r.Version):
		c.bad("update.channel", "name the one that it is in", "version %s is not in the channel %s", clip(r.Version), u.Channel)
	case !known && !c.spoiled("update") && !c.spoiled("sources"):
		c.bad("update", "name one of go, npm, git, page, debian", "update does not say what to track, and neither do the sources")
	}
	if r.Version != "" && slices.Contains(u.Ignore, r.Version) {
		c.bad("update.ignore", "", "update.ignore has the version that the recipe is at")
	}
}

// checkTracker looks at what names versions.
func checkTracker(c *checker, u *Update) {
	if u.Go != "" {
		if err := module.CheckPath(u.Go); err != nil {
			c.bad("update.go", "give the path of the module alone, as in its go.mod", "update.go: %v", err)
		}
	}
	if u.Npm != "" && (!npmForm.MatchString(u.Npm) || len(u.Npm) > 214) {
		c.bad("update.npm", "", "update.npm %q is not the name of an npm package", clip(u.Npm))
	}
	if u.Git != "" && !scpForm.MatchString(u.Git) {
		if err := checkURL(u.Git, "https", "http", "ssh", "git"); err != nil {
			c.bad("update.git", credentialHint(err), "update.git %v", err)
		}
	}
	checkDownload(c, "update.page", u.Page)
	checkPackage(c, "update.debian", u.Debian)
}

// checkCompanions looks at the fields that belong to one tracker alone.
func checkCompanions(c *checker, u *Update) {
	switch {
	case u.Tags != "" && u.Git == "":
		c.bad("update.tags", "name the repository with `git`", "update.tags says nothing without git")
	case u.Tags != "" && strings.Count(u.Tags, VersionMark) != 1:
		c.bad("update.tags", "write it as v${version}", "update.tags %q does not have ${version} once", clip(u.Tags))
	}
	switch {
	case u.Regexp != "" && u.Page == "":
		c.bad("update.regexp", "name the page with `page`", "update.regexp says nothing without page")
	case u.Page != "" && u.Regexp == "" && !c.spoiled("update.regexp"):
		c.bad("update.page", "add `regexp`, whose first group is the version", "update.page says nothing without regexp")
	case u.Regexp != "":
		checkRegexp(c, u.Regexp)
	}
}

func checkRegexp(c *checker, text string) {
	switch re, err := regexp.Compile(text); {
	case err != nil:
		c.bad("update.regexp", "the syntax is that of RE2", "update.regexp: %v", err)
	case re.NumSubexp() == 0:
		c.bad("update.regexp", "put the version in parentheses", "update.regexp has no group")
	}
}

// checkMarked is for a URL in which ${version} may stand.
func checkMarked(c *checker, at, text string) {
	if text == "" {
		return
	}
	if !marked.MatchString(text) {
		c.bad(at, "", "%s knows only ${version}", at)
		return
	}
	if err := checkURL(strings.ReplaceAll(text, VersionMark, "1"), "https", "http"); err != nil {
		c.bad(at, credentialHint(err), "%s %v", at, err)
	}
}
