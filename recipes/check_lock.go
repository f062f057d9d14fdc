package recipes

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// maxEpoch is the last second of the year 9999, the last that RFC 3339 has.
const maxEpoch = 253402300799

// want adds a problem unless value, which is not missing, has the form.
func (c *checker) want(at, value string, form *regexp.Regexp, what string) {
	if value != "" && !form.MatchString(value) {
		c.bad(at, "", "%s %q is not %s", at, clip(value), what)
	}
}

func (c *checker) oneOf(at, value string, known []string) {
	if value != "" && !slices.Contains(known, value) {
		c.bad(at, hint(value, "known", known), "%s %q is unknown", at, clip(value))
	}
}

func checkLock(c *checker, l *Lock) {
	if l.Kiln != "" && l.Kiln != FormatVersion {
		c.bad("kiln", "this kiln reads `kiln: "+FormatVersion+"`", "unknown format %q", clip(l.Kiln))
	}
	names := map[string]bool{}
	for i, in := range l.Inputs {
		c.once(index("inputs", i)+".name", in.Name, names)
	}
	if l.Epoch.Seconds < 0 || l.Epoch.Seconds > maxEpoch {
		c.bad("epoch.seconds", "", "epoch.seconds %d is not a time from 1970 to 9999", l.Epoch.Seconds)
	}
	suites := map[string]bool{}
	for i, a := range l.Archives {
		checkLockedArchive(c, index("archives", i), a, suites)
	}
	for i, s := range l.Sources {
		checkLockedSource(c, index("sources", i), s)
	}
	seen := map[string]bool{}
	for i, p := range l.Platforms {
		at := index("platforms", i)
		c.oneOf(at+".platform", p.Platform, platforms())
		c.once(at+".platform", p.Platform, seen)
		c.oneOf(at+".builder", p.Builder, platforms())
		checkLockedPackages(c, at+".build", []string{p.Platform, p.RunsOn()}, p.Build, suites)
		checkLockedPackages(c, at+".image", []string{p.Platform}, p.Image, suites)
		for i, f := range p.Fetches {
			checkLockedFetch(c, index(at+".fetches", i), f)
		}
	}
}

// once refuses what is in seen, and puts it there.
func (c *checker) once(at, value string, seen map[string]bool) {
	if value != "" && seen[value] {
		c.bad(at, "", "%s %q is there twice", at, clip(value))
	}
	seen[value] = true
}

func checkLockedArchive(c *checker, at string, a Archive, suites map[string]bool) {
	c.oneOf(at+".archive", a.Archive, archives())
	c.want(at+".suite", a.Suite, archiveSuite, "a suite")
	c.want(at+".inrelease", a.InRelease, sha256Form, "a sha256 as 64 hex digits")
	if a.Date != "" && !isUTC(a.Date) {
		c.bad(at+".date", "", "%s.date %q is not a time as 2006-01-02T15:04:05Z", at, clip(a.Date))
	}
	c.once(at+".suite", a.Archive+" "+a.Suite, suites)
}

func checkLockedSource(c *checker, at string, s LockedSource) {
	c.oneOf(at+".kind", s.Kind, []string{KindArchive, KindGit, KindGo, KindDebian, KindLocal})
	for i, f := range s.Files {
		checkLockedFile(c, index(at+".files", i), f)
	}
	switch s.Kind {
	case KindArchive:
		if len(s.Files) != 1 {
			c.bad(at, "", "%s of kind archive has %d files, not one", at, len(s.Files))
		}
	case KindGit:
		c.needs(at, "commit", s.Commit)
		c.want(at+".commit", s.Commit, commitForm, "a full commit id")
		c.want(at+".tree", s.Tree, sha256Form, "a sha256 as 64 hex digits")
	case KindGo:
		checkLockedModule(c, at, s)
	case KindDebian:
		checkLockedDebian(c, at, s)
	case KindLocal:
		if path.IsAbs(s.Name) || hasControl(s.Name) {
			c.bad(at+".name", "", "%s.name %q is not a relative path", at, clip(s.Name))
		}
	}
}

func (c *checker) needs(at, name, value string) {
	if value == "" {
		c.bad(at+"."+name, "", "%s.%s is missing", at, name)
	}
}

func checkLockedModule(c *checker, at string, s LockedSource) {
	c.needs(at, "version", s.Version)
	c.needs(at, "sum", s.Sum)
	c.needs(at, "gomod", s.GoMod)
	c.want(at+".sum", s.Sum, h1Form, "an h1: hash")
	c.want(at+".gomod", s.GoMod, h1Form, "an h1: hash")
	if s.Name == "" || s.Version == "" {
		return
	}
	if err := module.Check(s.Name, s.Version); err != nil {
		c.bad(at+".name", "", "%s: %v", at, err)
	}
}

func checkLockedDebian(c *checker, at string, s LockedSource) {
	c.needs(at, "version", s.Version)
	c.want(at+".name", s.Name, debianName, "the name of a Debian package")
	c.want(at+".version", s.Version, debianVersion, "a Debian version")
	if len(s.Files) == 0 {
		c.bad(at, "", "%s of kind debian has no files", at)
	}
	for i, f := range s.Files {
		c.needs(index(at+".files", i), "archive", f.Archive)
	}
}

func checkLockedFile(c *checker, at string, f LockedFile) {
	c.file(at, f.Path, f.Size, f.SHA256)
	c.oneOf(at+".archive", f.Archive, archives())
}

// file checks what is said of a file to download.
func (c *checker) file(at, p string, size int64, sum string) {
	if p != "" && (!isBelow(p) || path.Clean(p) != p || p == ".") {
		c.bad(at+".path", "", "%s.path %q is not a relative, clean path", at, clip(p))
	}
	if size <= 0 {
		c.bad(at+".size", "", "%s.size %d is not above 0", at, size)
	}
	c.want(at+".sha256", sum, sha256Form, "a sha256 as 64 hex digits")
}

// checkLockedPackages allows packages of the platforms' architectures. A name is
// there once for each.
func checkLockedPackages(c *checker, at string, platforms []string, list []Package, suites map[string]bool) {
	seen := map[string]bool{}
	for i, p := range list {
		at := index(at, i)
		checkLockedPackage(c, at, p)
		c.oncePerArchitecture(at+".name", p, seen)
		if p.Architecture != "all" && !slices.ContainsFunc(platforms, func(f string) bool { return strings.HasSuffix(f, "/"+p.Architecture) }) {
			c.bad(at+".architecture", "", "%s.architecture %q is not for %s", at, clip(p.Architecture), strings.Join(slices.Compact(platforms), " or "))
		}
		if !suites[p.Archive+" "+p.Suite] {
			c.bad(at+".suite", "", "%s is of %s %s, which is not among the lock's archives", at, clip(p.Archive), clip(p.Suite))
		}
	}
}

func (c *checker) oncePerArchitecture(at string, p Package, seen map[string]bool) {
	key := p.Name + ":" + p.Architecture
	if p.Name != "" && seen[key] {
		c.bad(at, "", "%s %q is there twice", at, clip(p.Name))
	}
	seen[key] = true
}

func checkLockedPackage(c *checker, at string, p Package) {
	c.want(at+".name", p.Name, debianName, "the name of a Debian package")
	c.want(at+".source", p.Source, debianName, "the name of a Debian package")
	c.want(at+".version", p.Version, debianVersion, "a Debian version")
	c.want(at+".source-version", p.SourceVersion, debianVersion, "a Debian version")
	c.want(at+".architecture", p.Architecture, debianArch, "an architecture")
	c.oneOf(at+".archive", p.Archive, archives())
	c.file(at, p.Path, p.Size, p.SHA256)
	if p.Path != "" && !strings.HasSuffix(p.Path, ".deb") {
		c.bad(at+".path", "", "%s.path %q is not a .deb", at, clip(p.Path))
	}
}
