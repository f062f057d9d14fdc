package recipes

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// checker finds what is wrong with a decoded file beyond its form. Fields that
// are empty pass: that they are missing, the decoder has said.
type checker struct {
	*decoder
}

// bad adds a problem with the value at path, unless it has one already.
func (c *checker) bad(path, hint, format string, args ...any) {
	if c.wrong[path] {
		return
	}
	c.wrong[path] = true
	c.add(placeOf(c.where, path), hint, format, args...)
}

// spoiled reports whether something in path is the matter, so that what seems
// missing there may only be misspelt. The empty path is the whole file.
func (c *checker) spoiled(path string) bool {
	for p := range c.wrong {
		if rest, ok := strings.CutPrefix(p, path); ok && (path == "" || rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// oneKind refuses what has no kind, or two.
func (c *checker) oneKind(path, noun string, all []kindSet) {
	switch kinds := present(all); {
	case len(kinds) == 0 && !c.spoiled(path):
		var names []string
		for _, k := range all {
			names = append(names, k.kind)
		}
		c.bad(path, "add one of them", "%s has none of %s", path, strings.Join(names, ", "))
	case len(kinds) > 1:
		c.bad(path, fmt.Sprintf("write a %s for each", noun), "%s is %s at once", path, strings.Join(kinds, " and "))
	}
}

func checkRecipe(c *checker, r *Recipe) {
	checkHead(c, r)
	checkSources(c, r.Sources)
	checkBuild(c, &r.Build)
	checkNative(c, r)
	checkImage(c, &r.Image, allows(r.Allow, RuleRootUser))
	for i, t := range r.Tests {
		checkTest(c, index("tests", i), t, &r.Image)
	}
	checkUpdate(c, r)
	checkRuntime(c, &r.Runtime, r.Image.Volumes)
	for i, a := range r.Allow {
		checkAllow(c, index("allow", i), a)
	}
}

func checkHead(c *checker, r *Recipe) {
	if r.Kiln != "" && r.Kiln != FormatVersion {
		c.bad("kiln", "this kiln reads `kiln: "+FormatVersion+"`", "unknown format %q", clip(r.Kiln))
	}
	if r.Name != "" && (!nameForm.MatchString(r.Name) || len(r.Name) > 128) {
		c.bad("name", "use a-z and 0-9, with single dots, dashes or underscores between",
			"name %q cannot be part of an image's name", clip(r.Name))
	}
	if r.Version != "" && !tagForm.MatchString(r.Version) {
		c.bad("version", "a tag has at most 128 of A-Z a-z 0-9 . _ - and begins with none of . -",
			"version %q cannot be an image's tag", clip(r.Version))
	}
	if strings.Contains(r.Summary, "\n") {
		c.bad("summary", "say it in one line", "summary has more than one line")
	}
	if r.Homepage != "" {
		if err := checkURL(r.Homepage, "https", "http"); err != nil {
			c.bad("homepage", "", "homepage %v", err)
		}
	}
	checkLicense(c, r.License)
	for _, name := range slices.Sorted(maps.Keys(r.Vars)) {
		if !varForm.MatchString(name) {
			c.bad("vars."+name, "use A-Z a-z 0-9 _ -", "%q cannot be a variable's name", clip(name))
		}
	}
	checkSuite(c, "suite", r.Suite)
	checkPlatforms(c, "platforms", r.Platforms)
	checkAbout(c, r)
}

// checkAbout is about what is for people and catalogs.
func checkAbout(c *checker, r *Recipe) {
	for i, name := range r.Categories {
		if !variantForm.MatchString(name) || slices.Contains(r.Categories[:i], name) {
			c.bad(index("categories", i), "use a-z and 0-9 with single dashes between, each category once", "%q cannot be a category", clip(name))
		}
	}
	for i, who := range r.Owners {
		if !ownerForm.MatchString(who) || slices.Contains(r.Owners[:i], who) {
			c.bad(index("owners", i), "write a team, a person or an address, each once, such as @corp/platform", "%q cannot be an owner", clip(who))
		}
	}
	if r.Upstream != "" {
		if err := checkURL(r.Upstream, "https", "http"); err != nil {
			c.bad("upstream", "", "upstream %v", err)
		}
	}
	checkDay(c, "eol", r.EOL)
}

func checkLicense(c *checker, expression string) {
	if expression == "" {
		return
	}
	if ok, _ := spdxexp.ValidateLicenses([]string{expression}); ok {
		return
	}
	h := "SPDX expressions join ids with AND, OR, WITH; others are LicenseRef-NAME"
	near := map[string]string{
		"GPLv2": "GPL-2.0-only", "GPLv3": "GPL-3.0-only", "LGPLv2": "LGPL-2.0-only", "LGPLv2.1": "LGPL-2.1-only",
		"LGPLv3": "LGPL-3.0-only", "AGPLv3": "AGPL-3.0-only", "BSD": "BSD-3-Clause", "Apache": "Apache-2.0",
	}[expression]
	if near == "" {
		near = Nearest(expression, spdxlicenses.GetLicenses())
	}
	if near != "" {
		h = fmt.Sprintf("did you mean %q?", near)
	}
	c.bad("license", h, "license %q is not an SPDX expression", clip(expression))
}

func checkSuite(c *checker, at, suite string) {
	moving := []string{"stable", "oldstable", "oldoldstable", "testing", "unstable", "experimental", "latest"}
	switch {
	case slices.Contains(moving, suite):
		c.bad(at, "give its codename, such as "+DefaultSuite, "suite %s is another one from time to time", suite)
	case suite != "" && !codename.MatchString(suite):
		c.bad(at, "kiln adds -updates, -security and -backports itself", "suite %q is not a codename", clip(suite))
	}
}

func checkAllow(c *checker, at string, a Allow) {
	if a.Rule != "" && !slices.Contains(Rules(), a.Rule) {
		c.bad(at+".rule", hint(a.Rule, "rules", Rules()), "unknown rule %q", clip(a.Rule))
	}
	if _, err := path.Match(a.Path, ""); err != nil || a.Path != "" && !path.IsAbs(a.Path) {
		c.bad(at+".path", "write it as in the image, such as /usr/bin/*",
			"%s.path %q is not an absolute path or pattern", at, clip(a.Path))
	}
}

func allows(list []Allow, rule string) bool {
	return slices.ContainsFunc(list, func(a Allow) bool { return a.Rule == rule })
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
