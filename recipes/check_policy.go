package recipes

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ageForm is a number of days.
var ageForm = regexp.MustCompile(`^[1-9][0-9]{0,4}d$`)

// PolicyStatements are the names that a policy has for predicate types.
func PolicyStatements() []string {
	return []string{"spdx", "provenance", "tests", "scan", "vex", "rebuild", "vsa"}
}

func checkPolicy(c *checker, p *Policy) {
	if p == nil {
		return
	}
	checkIdentities(c, "policy.identities", p.Identities)
	for i, s := range p.Statements {
		u, err := url.Parse(s)
		if isURI := err == nil && u.IsAbs(); !isURI && !slices.Contains(PolicyStatements(), s) {
			c.bad(index("policy.statements", i), hint(s, "statements", PolicyStatements())+"; or give the URI of a predicate type",
				"unknown statement %q", clip(s))
		}
	}
	checkTextPatterns(c, "policy.builders", p.Builders)
	checkTextPatterns(c, "policy.bases", p.Bases)
	checkTextPatterns(c, "policy.sources", p.Sources)
	for i, l := range p.DenyLicenses {
		if l == "" || strings.ContainsAny(l, " ()/?[]+") {
			c.bad(index("policy.deny-licenses", i), "give the id of one license, such as AGPL-3.0-only or GPL-*", "%q is no license id", clip(l))
		}
	}
	for i, r := range p.Refuse {
		if !slices.Contains(PolicyRules(), r) {
			c.bad(index("policy.refuse", i), hint(r, "rules", PolicyRules()), "unknown rule %q", clip(r))
		}
	}
	if p.MaxAge != "" && !ageForm.MatchString(p.MaxAge) {
		c.bad("policy.max-age", "write it in days, as 90d", "max-age %q is no age", clip(p.MaxAge))
	}
	if p.MaxSize != "" && !memoryForm.MatchString(p.MaxSize) {
		c.bad("policy.max-size", "write it as 200M or 1Gi", "max-size %q is no size", clip(p.MaxSize))
	}
	if p.MinCoverage != nil && (*p.MinCoverage < 0 || *p.MinCoverage > 100) {
		c.bad("policy.min-coverage", "", "min-coverage is not from 0 to 100")
	}
	checkRebuilds(c, p.Rebuilds)
	checkGrace(c, p.Vulnerabilities)
}

func checkIdentities(c *checker, at string, list []PolicyIdentity) {
	for i, id := range list {
		at := index(at, i)
		switch {
		case c.spoiled(at):
		case id == PolicyIdentity{}:
			c.bad(at, "write it as {key: FILE}, a public key beside this file, or as {subject: NAME, issuer: URL}, whom a certificate was issued to", "%s names nobody", at)
		case !id.Certified():
		case id.Key != "":
			c.bad(at, "they are two identities", "%s is a key and a certificate's identity", at)
		default:
			checkSaid(c, at, "subject", id.Subject, id.SubjectRegexp)
			checkSaid(c, at, "issuer", id.Issuer, id.IssuerRegexp)
		}
	}
}

// checkSaid has one of a name and its expression be said: a certificate by
// anybody's issuer, or for anybody, says nothing.
func checkSaid(c *checker, at, field, exact, expr string) {
	if (exact == "") == (expr == "") {
		c.bad(at, "", "%s needs %s or %s-regexp, one of them", at, field, field)
	}
}

// checkTextPatterns refuses what is empty, for it would never match, or look as if
// it did.
func checkTextPatterns(c *checker, at string, list []string) {
	for i, p := range list {
		if strings.TrimSpace(p) != p || p == "" {
			c.bad(index(at, i), "", "%s is empty, or begins or ends with a space", index(at, i))
		}
	}
}

func checkRebuilds(c *checker, r *PolicyRebuilds) {
	if r == nil {
		return
	}
	checkIdentities(c, "policy.rebuilds.by", r.By)
	for i, id := range r.By {
		if id.Certified() {
			at := index("policy.rebuilds.by", i)
			c.bad(at, "write it as {key: FILE}; descriptions of certificates may fit one and the same builder", "%s is no key", at)
		}
	}
	if r.Count < 1 || r.Count > max(len(r.By), 1) {
		c.bad("policy.rebuilds.count", "name as many in `by`, or more", "rebuilds.count is %d, of %d builders", r.Count, len(r.By))
	}
}

func checkGrace(c *checker, v *PolicyVulnerabilities) {
	if v == nil {
		return
	}
	for _, f := range []struct {
		name string
		days *int
	}{
		{"critical", v.Critical}, {"high", v.High}, {"medium", v.Medium}, {"low", v.Low}, {"unknown", v.Unknown},
		{"known-exploited", v.KnownExploited}, {"scan-age", v.ScanAge},
	} {
		if f.days != nil && (*f.days < 0 || *f.days > 3650) {
			c.bad("policy.vulnerabilities."+f.name, "it is a number of days", "%s is not from 0 to 3650", f.name)
		}
	}
}
