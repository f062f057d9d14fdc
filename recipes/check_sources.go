package recipes

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/moby/patternmatcher"
	"golang.org/x/mod/module"
)

func checkSources(c *checker, list []Source) {
	seen := map[string]string{}
	for i, s := range list {
		at := index("sources", i)
		c.oneKind(at, "source", s.kindSets())
		checkSource(c, at, s)
		if !isBelow(s.Into) {
			c.bad(at+".into", "it is relative to /src", "%s.into %q leads out of the source folder", at, clip(s.Into))
			continue
		}
		into := cleanInto(s.Into)
		if other, ok := seen[into]; ok {
			c.bad(intoPath(at, s), "give each a folder of its own with `into`",
				"%s is laid in the same folder as %s", at, other)
		}
		seen[into] = at
	}
}

func intoPath(at string, s Source) string {
	if s.Into == "" {
		return at
	}
	return at + ".into"
}

func checkSource(c *checker, at string, s Source) {
	if s.Archive != nil {
		checkArchive(c, at+".archive", s.Archive)
	}
	if s.Git != nil {
		checkGit(c, at+".git", s.Git)
	}
	if s.Go != "" {
		checkModule(c, at+".go", s.Go)
	}
	if s.Debian != nil {
		checkDebian(c, at+".debian", s.Debian)
	}
	if s.Local != nil {
		checkLocal(c, at+".local", s.Local)
	}
}

func checkArchive(c *checker, at string, a *ArchiveSource) {
	checkDownload(c, at+".url", a.URL)
	for i, m := range a.Mirrors {
		checkDownload(c, index(at+".mirrors", i), m)
	}
	if a.SHA256 != "" && !sha256Form.MatchString(a.SHA256) {
		c.bad(at+".sha256", "`sha256sum FILE` prints it", "%s.sha256 is not 64 hex digits in lower case", at)
	}
	if a.Strip != nil && (*a.Strip < 0 || *a.Strip > 64) {
		c.bad(at+".strip", "it is how many leading path elements to drop", "%s.strip is not from 0 to 64", at)
	}
}

func checkDownload(c *checker, at, url string) {
	if url == "" {
		return
	}
	if err := checkURL(url, "https", "http"); err != nil {
		c.bad(at, credentialHint(err), "%s %v", at, err)
	}
}

func credentialHint(err error) string {
	if strings.Contains(err.Error(), "credentials") {
		return "leave user and password out; whoever has the image could read them"
	}
	return ""
}

// scpForm is git's short form of an ssh URL, user@host:path.
var scpForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^:\s]+$`)

// refForm leaves out what git-check-ref-format refuses, and leading dashes.
var refForm = regexp.MustCompile(`^[^-/.\s~^:?*\[\\\x7f][^\s~^:?*\[\\\x7f]*$`)

func checkGit(c *checker, at string, g *GitSource) {
	if err := checkURL(g.URL, "https", "http", "ssh", "git"); g.URL != "" && err != nil && !scpForm.MatchString(g.URL) {
		c.bad(at+".url", credentialHint(err), "%s.url %v", at, err)
	}
	if g.Ref == "" && g.Commit == "" && !c.spoiled(at) {
		c.bad(at, "give a tag or branch as ref, or a full commit id", "%s has neither ref nor commit", at)
	}
	if g.Commit != "" && !commitForm.MatchString(g.Commit) {
		c.bad(at+".commit", "`git rev-parse REF` prints it", "%s.commit is not a full commit id in lower case", at)
	}
	if g.Ref != "" && (!refForm.MatchString(g.Ref) || strings.Contains(g.Ref, "..")) {
		c.bad(at+".ref", "", "%s.ref %q cannot be a branch or tag", at, clip(g.Ref))
	}
}

func checkModule(c *checker, at, s string) {
	mod, version, ok := strings.Cut(s, "@")
	if !ok || version == "" {
		c.bad(at, "write it as module@v1.2.3", "%s %q has no version", at, clip(s))
		return
	}
	if canonical := module.CanonicalVersion(version); canonical != version {
		h := "write it in full, as v1.2.3"
		if meant := cmp.Or(canonical, module.CanonicalVersion("v"+version)); meant != "" {
			h = fmt.Sprintf("did you mean %q?", clip(mod+"@"+meant))
		}
		c.bad(at, h, "%s: %q is not a module's version in full", at, clip(version))
		return
	}
	err := module.Check(mod, version)
	var major *module.InvalidVersionError
	switch {
	case errors.As(err, &major):
		c.bad(at, "from v2 on, the path ends in the major version, as "+clip(mod)+"/v2", "%s: %v", at, err)
	case err != nil:
		c.bad(at, "", "%s: %v", at, err)
	}
}

func checkDebian(c *checker, at string, d *DebianSource) {
	if d.Suite != "" && !anySuite.MatchString(d.Suite) {
		c.bad(at+".suite", "give its codename, such as trixie, trixie-backports or sid", "%s.suite %q is not a suite", at, clip(d.Suite))
	}
	checkPackage(c, at+".package", d.Package)
	if d.Version != "" && !debianVersion.MatchString(d.Version) {
		c.bad(at+".version", "write it as the archive has it, such as 1:2.3-4", "%s.version %q is not a Debian version", at, clip(d.Version))
	}
}

// anySuite is a codename, with or without what Debian adds to it.
var anySuite = regexp.MustCompile(`^[a-z]+(-(updates|security|backports))?$`)

// checkPackage is for the name of a Debian package.
func checkPackage(c *checker, at, name string) {
	if name == "" || debianName.MatchString(name) {
		return
	}
	h := "use a-z 0-9 + - ."
	if strings.ContainsAny(name, "=<> ") {
		h = "give the name alone; `kiln lock` pins the version"
	}
	c.bad(at, h, "%s %q is not the name of a Debian package", at, clip(name))
}

func checkLocal(c *checker, at string, l *LocalSource) {
	if path.IsAbs(l.Path) || strings.HasPrefix(l.Path, "~") || hasControl(l.Path) {
		c.bad(at+".path", "give it relative to the recipe's folder", "%s.path %q is not relative", at, clip(l.Path))
	}
	if _, err := patternmatcher.New(l.Ignore); err != nil {
		c.bad(at+".ignore", "the patterns are those of .dockerignore", "%s.ignore: %v", at, err)
	}
}
