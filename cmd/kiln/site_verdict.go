package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// freshScan is how old a scan may be before a page says so; a policy's own
// default for `scan-age` is the same.
const freshScan = 7 * 24 * time.Hour

// judge says how the image of a page stands, and why.
func (s *siteFacts) judge(p *pageFacts) {
	v := &p.Verdict
	switch {
	case p.entry.Err != nil:
		v.Add(site.Bad, "The recipe does not load: "+strings.TrimSpace(p.entry.Err.Error()))
		return
	case p.unasked != nil:
		v.Add(site.Bad, "The registry could not be asked: "+p.unasked.Error())
	case p.Current == nil:
		v.Add(site.Absent, p.Wanted+" is not published.")
	default:
		judgeSignatures(v, p.Current)
		if s.signers.development && p.Current.Verified.By != "" {
			v.Add(site.Attention, "It is signed with the development key of the machine that wrote this page, which is not for production.")
		}
		judgeTests(v, p.Current.Tests)
		s.judgeScan(v, p.Current.Scan)
		judgeAudit(v, p.Current.Audit)
		if p.Wanted != p.Current.Version {
			v.Add(site.Attention, "The recipe asks for "+p.Wanted+", which is not published; this page is about "+p.Current.Version+".")
		}
	}
	s.judgeLife(v, p.EOL)
	if v.Level == "" {
		v.Level = site.Good
	}
}

func judgeSignatures(v *site.Verdict, d *site.Details) {
	switch {
	case d.Verified.By == "":
		v.Add(site.Bad, "It is not verified: nobody who is trusted here has signed it, as far as can be told.")
	case len(d.Verified.Problems) > 0:
		v.Add(site.Bad, "It is signed, but not all that is to be said of it verifies.")
	}
}

func judgeTests(v *site.Verdict, t site.Tests) {
	switch {
	case t.Why != "":
	case len(t.Failed) > 0:
		v.Add(site.Bad, "Tests of the image failed: "+fmt.Sprint(len(t.Failed))+".")
	case len(t.NotRun) > 0:
		v.Add(site.Attention, "Tests of the image were not run: "+fmt.Sprint(len(t.NotRun))+".")
	case len(t.Passed) == 0:
		v.Add(site.Attention, "The image has no tests.")
	}
}

// judgeAudit is about what an audit found besides: signatures are judged
// already.
func judgeAudit(v *site.Verdict, audit *site.Audit) {
	if audit == nil {
		return
	}
	for _, r := range audit.Rules {
		if !r.OK && r.Name != "identities" {
			v.Add(site.Bad, "The policy's rule "+r.Name+" refuses it: "+r.Evidence)
		}
	}
	lacking := 0
	for _, n := range audit.Newer {
		if n.Security != "" {
			lacking++
		}
	}
	if lacking > 0 {
		v.Add(site.Attention, "It lacks security updates of "+plural(lacking, "package")+".")
	}
}

func (s *siteFacts) judgeScan(v *site.Verdict, scan site.Scan) {
	if scan.Why != "" {
		v.Add(site.Attention, scan.Why)
		return
	}
	counts := map[string]int{}
	exploited := 0
	for _, f := range scan.Open() {
		counts[f.Severity]++
		if f.Exploited {
			exploited++
		}
	}
	for _, x := range []struct {
		level site.Level
		count int
		what  string
	}{
		{site.Bad, exploited, "%s known to be exploited"}, {site.Bad, counts["critical"], "%s of critical severity"},
		{site.Bad, counts["high"], "%s of high severity"}, {site.Attention, counts["unknown"], "%s that nobody has rated"},
		{site.Attention, counts["medium"], "%s of medium severity"},
	} {
		if x.count > 0 {
			v.Add(x.level, "It has "+fmt.Sprintf(x.what, pluralOf(x.count, "vulnerability", "vulnerabilities"))+".")
		}
	}
	if len(scan.Missing) > 0 {
		v.Add(site.Attention, "It was scanned in part: there were no advisories for "+strings.Join(scan.Missing, ", ")+".")
	}
	if age := s.now.Sub(scan.At); !scan.At.IsZero() && age > freshScan {
		v.Add(site.Attention, fmt.Sprintf("The scan is %d days old.", int(age.Hours()/24)))
	}
}

func pluralOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// judgeLife is about the last day on which upstream mends the version.
func (s *siteFacts) judgeLife(v *site.Verdict, eol string) {
	end, err := time.Parse(time.DateOnly, eol)
	if eol == "" || err != nil {
		return
	}
	rules := s.rules()
	over := end.AddDate(0, 0, 1)
	switch {
	case s.now.After(over.Add(rules.GraceTime())):
		v.Add(site.Bad, "Its end of life was on "+eol+".")
	case s.now.After(over):
		v.Add(site.Attention, "Its end of life was on "+eol+".")
	case s.now.After(end.Add(-rules.WarnTime())):
		v.Add(site.Attention, "Its end of life is on "+eol+".")
	}
}

func (s *siteFacts) rules() recipes.CatalogEOL { return s.catalog.Config.Catalog.EOL }
