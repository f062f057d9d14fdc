package recipes

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// repositoryForm is host[:port]/path, in which ${name} is a part of the path.
var repositoryForm = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`)

func checkCatalog(c *checker, cat *CatalogConfig) {
	if cat == nil {
		return
	}
	if r := cat.Recipes; r != "" && (path.IsAbs(r) || path.Clean(r) != r || strings.HasPrefix(r, "..")) {
		c.bad("catalog.recipes", "name a folder below that of "+ConfigFile+", such as recipes", "catalog.recipes %q is no such folder", clip(r))
	}
	checkRepository(c, cat.Repository)
	for i, kind := range cat.Tags {
		at := index("catalog.tags", i)
		switch {
		case !slices.Contains(CatalogTags(), kind):
			c.bad(at, hint(kind, "tags", CatalogTags()), "unknown kind of tag %q", clip(kind))
		case slices.Contains(cat.Tags[:i], kind):
			c.bad(at, "leave out one of them", "tag %s is given twice", kind)
		}
	}
	if len(cat.Tags) > 0 && !slices.Contains([]string{TagVersion, TagDate}, cat.Tags[0]) {
		c.bad("catalog.tags[0]", "begin with version or date, by which the image is found again", "the first tag is one that other versions get as well")
	}
	checkSuite(c, "catalog.defaults.suite", cat.Defaults.Suite)
	checkPlatforms(c, "catalog.defaults.platforms", cat.Defaults.Platforms)
	if cat.Snapshot != "" && cat.SnapshotTime().IsZero() {
		c.bad("catalog.snapshot", "write it as 20261119T000000Z", "snapshot %q is no time", clip(cat.Snapshot))
	}
	checkSigning(c, &cat.Sign)
	for i, who := range cat.Owners {
		if !ownerForm.MatchString(who) {
			c.bad(index("catalog.owners", i), "write a team, a person or an address, such as @corp/platform", "%q cannot be an owner", clip(who))
		}
	}
	checkDays(c, "catalog.eol.warn", cat.EOL.Warn)
	checkDays(c, "catalog.eol.grace", cat.EOL.Grace)
}

func checkDays(c *checker, at, value string) {
	if value != "" && !ageForm.MatchString(value) {
		c.bad(at, "write it in days, as 90d", "%s %q is no time", at, clip(value))
	}
}

func checkRepository(c *checker, template string) {
	const h = "write it as registry.corp/platform/${name}"
	switch {
	case template == "":
	case !strings.Contains(template, "${name}"):
		c.bad("catalog.repository", h, "without ${name} all images are in one repository")
	case !repositoryForm.MatchString(strings.ReplaceAll(template, "${name}", "name")):
		c.bad("catalog.repository", h, "%q is no repository", withoutUser(template))
	}
}

func checkSigning(c *checker, s *CatalogSign) {
	certificate := s.Identity+s.IdentityRegexp+s.Issuer+s.IssuerRegexp != ""
	switch {
	case s.Key != "" && s.Keyless:
		c.bad("catalog.sign.keyless", "keep one of them", "catalog.sign has both a key and keyless")
	case certificate && !s.Keyless:
		c.bad("catalog.sign", "add `keyless: true`", "catalog.sign names a certificate's identity, which signs without a key only")
	case s.Keyless && (s.Identity+s.IdentityRegexp == "" || s.Issuer+s.IssuerRegexp == ""):
		c.bad("catalog.sign.keyless", "add `certificate-identity` and `certificate-oidc-issuer`: who signs, and whose images count", "catalog.sign is keyless without an identity")
	}
}
