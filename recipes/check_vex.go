package recipes

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	// vulnerabilityForm is an id of a database as OSV's are.
	vulnerabilityForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(-[A-Za-z0-9:.]+)+$`)
	// purlForm is what a package URL needs at least.
	purlForm = regexp.MustCompile(`^pkg:[a-z][a-z0-9.+-]*/[^\s?#@]+(@[^\s?#]+)?(\?[^\s#]+)?(#\S+)?$`)
)

func checkVEX(c *checker, v *VEX) {
	if v.Kiln != "" && v.Kiln != FormatVersion {
		c.bad("kiln", "this kiln reads `kiln: "+FormatVersion+"`", "unknown format %q", clip(v.Kiln))
	}
	if v.Version < 1 {
		c.bad("version", "count from 1, and up with every change", "version %d is none", v.Version)
	}
	if strings.Contains(v.Author, "\n") {
		c.bad("author", "", "author has more than one line")
	}
	about := map[string]int{}
	for i, s := range v.Statements {
		at := index("statements", i)
		checkVEXStatement(c, at, s)
		components := s.Components
		if len(components) == 0 {
			components = []string{""}
		}
		for _, component := range components {
			key := s.Vulnerability + " " + component
			if first, twice := about[key]; twice {
				c.bad(at+".vulnerability", "keep the one that holds", "%s says the same as %s is about: %s", at, index("statements", first), strings.TrimSpace(clip(key)))
			}
			about[key] = i
		}
	}
}

func checkVEXStatement(c *checker, at string, s VEXStatement) {
	if s.Vulnerability != "" && !vulnerabilityForm.MatchString(s.Vulnerability) {
		c.bad(at+".vulnerability", "write an id such as CVE-2026-1234, GO-2026-1234 or GHSA-xxxx-xxxx-xxxx",
			"%s.vulnerability %q is no id of a vulnerability", at, clip(s.Vulnerability))
	}
	for i, purl := range s.Components {
		if path := index(at+".components", i); !purlForm.MatchString(purl) {
			c.bad(path, "write a package URL, such as pkg:golang/golang.org/x/net or pkg:deb/debian/openssl",
				"%s %q is no package URL", path, clip(purl))
		}
	}
	c.oneOf(at+".status", s.Status, VEXStatuses())
	c.oneOf(at+".justification", s.Justification, VEXJustifications())
	switch {
	case s.Status == VEXNotAffected && s.Justification == "" && !c.spoiled(at+".justification"):
		c.bad(at, listing("one of", VEXJustifications()), "%s is not_affected without a justification", at)
	case s.Status != VEXNotAffected && s.Justification != "" && slices.Contains(VEXStatuses(), s.Status):
		c.bad(at+".justification", "say it in `reason`", "%s has a justification, which is for not_affected alone", at)
	}
	checkDay(c, at+".date", s.Date)
	checkDay(c, at+".expires", s.Expires)
	if s.Date != "" && s.Expires != "" && s.Expires < s.Date {
		c.bad(at+".expires", "", "%s expires before it was made", at)
	}
}

func checkDay(c *checker, at, day string) {
	if day == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		c.bad(at, "write it as 2026-12-31", "%s %q is no day", at, clip(day))
	}
}
