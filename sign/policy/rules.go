package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// origin judges the provenance.
func (e *evaluation) origin() {
	p, o := e.policy, e.facts.Origin
	unknown := "no provenance of kiln's verifies"
	if len(p.Builders) > 0 {
		switch {
		case o == nil:
			e.fail("builders", "%s", unknown)
		case !matchesAny(p.Builders, o.Builder):
			e.fail("builders", "%q ran the build, which is none of %s", o.Builder, strings.Join(p.Builders, ", "))
		default:
			e.pass("builders", "%s ran the build", o.Builder)
		}
	}
	if len(p.Bases) > 0 {
		switch {
		case o == nil:
			e.fail("bases", "%s", unknown)
		case !matchesAny(p.Bases, o.Base):
			e.fail("bases", "the base is %q, which is none of %s", o.Base, strings.Join(p.Bases, ", "))
		default:
			e.pass("bases", "the base is %s", o.Base)
		}
	}
	if len(p.Sources) == 0 {
		return
	}
	if o == nil || len(o.Sources) == 0 {
		e.fail("sources", "no provenance that verifies says where the source comes from")
		return
	}
	var wrong []string
	for _, s := range o.Sources {
		if !matchesAny(p.Sources, s) {
			wrong = append(wrong, s+" is from nowhere that is allowed")
		}
	}
	e.each("sources", wrong, "all %d are from where they may be", len(o.Sources))
}

// licenses judges what the SPDX document says.
func (e *evaluation) licenses() {
	deny := e.policy.DenyLicenses
	if len(deny) == 0 {
		return
	}
	if e.facts.SBOM == nil {
		e.fail("deny-licenses", "no SPDX document verifies that could be read")
		return
	}
	if len(e.facts.SBOM.Components) == 0 {
		e.fail("deny-licenses", "the SPDX document names nothing that is in the image")
		return
	}
	var wrong []string
	for _, c := range e.facts.SBOM.Components {
		if id := denied(c.License, deny); id != "" {
			wrong = append(wrong, c.Name+" is under "+id)
		}
	}
	slices.Sort(wrong)
	e.each("deny-licenses", slices.Compact(wrong), "none of %d components is under %s", len(e.facts.SBOM.Components), strings.Join(deny, ", "))
}

// image judges what was seen in the image itself, and its age.
func (e *evaluation) image() {
	for _, rule := range e.policy.Refuse {
		switch rule {
		case recipes.RuleEndOfLife:
			e.endOfLife()
		case recipes.RuleOutdated, recipes.RuleOutdatedSecurity:
			e.outdated(rule)
		default:
			e.seen(rule)
		}
	}
	e.age()
	if most := e.policy.Bytes(); e.policy.MaxSize != "" {
		switch i := e.facts.Image; {
		case i == nil:
			e.fail("max-size", "the image could not be looked into")
		case i.Size > most:
			e.fail("max-size", "it has %d bytes, more than %s", i.Size, e.policy.MaxSize)
		default:
			e.pass("max-size", "it has %d bytes", i.Size)
		}
	}
}

// seen judges what a rule says against what is in the image.
func (e *evaluation) seen(rule string) {
	if e.facts.Image == nil {
		e.fail(rule, "the image could not be looked into")
		return
	}
	var wrong []string
	for _, f := range e.facts.Image.Findings {
		if f.Rule == rule {
			wrong = append(wrong, f.Path+": "+f.Text)
		}
	}
	e.each(rule, wrong, "nothing in the image is against it")
}

// endOfLife is judged by the provenance: the recipe says how long its version
// is supported, or nobody does.
func (e *evaluation) endOfLife() {
	const rule = recipes.RuleEndOfLife
	switch o := e.facts.Origin; {
	case o == nil:
		e.fail(rule, "no provenance of kiln's verifies, so nothing says how long it is supported")
	case o.EndOfLife.IsZero():
		e.pass(rule, "nobody has said when its support ends")
	case e.now.Before(o.EndOfLife.Add(day)): // it is supported until the day ends
		e.pass(rule, "it is supported until %s", o.EndOfLife.Format(time.DateOnly))
	case e.now.Before(o.EndOfLife.Add(day + o.Grace)):
		e.pass(rule, "its support ended on %s, and it may stay %d days longer", o.EndOfLife.Format(time.DateOnly), int(o.Grace/day))
	default:
		e.fail(rule, "its support ended on %s", o.EndOfLife.Format(time.DateOnly))
	}
}

// outdated judges the packages by what the archive has.
func (e *evaluation) outdated(rule string) {
	p := e.facts.Packages
	switch {
	case p == nil:
		e.fail(rule, "nobody asked the archive for newer packages")
		return
	case p.Unknown != "":
		e.fail(rule, "%s", p.Unknown)
		return
	}
	var wrong []string
	for _, n := range p.Newer {
		suite := n.Suite
		if rule == recipes.RuleOutdatedSecurity {
			suite = n.Security
		}
		if suite != "" {
			wrong = append(wrong, n.Name+" "+n.Version+": "+suite+" has a newer version")
		}
	}
	e.each(rule, wrong, "the archive has nothing newer of its %d packages", p.Count)
}

// age is that of the packages in the image. An image dates everything in it
// with the time of its source, which may be old however new the rest is, so
// its own date is taken only where nothing of the archive is in it.
func (e *evaluation) age() {
	most := e.policy.Age()
	if e.policy.MaxAge == "" {
		return
	}
	var dated time.Time
	from := "its packages were locked"
	if o := e.facts.Origin; o != nil && !o.Dated.IsZero() {
		dated = o.Dated
	} else if i := e.facts.Image; o != nil && i != nil {
		dated, from = i.Created, "its configuration was made"
	}
	if dated.IsZero() || dated.Unix() <= 0 {
		e.fail("max-age", "nothing that verifies says how old it is")
		return
	}
	if e.now.Sub(dated) > most {
		e.fail("max-age", "%s %s, more than %s", from, e.ago(dated), e.policy.MaxAge)
		return
	}
	e.pass("max-age", "%s %s", from, e.ago(dated))
}

func (e *evaluation) coverage() {
	least := e.policy.MinCoverage
	if least == nil {
		return
	}
	switch s := e.facts.SBOM; {
	case s == nil:
		e.fail("min-coverage", "no SPDX document verifies that could be read")
	case s.Coverage < 0:
		e.fail("min-coverage", "the SPDX document does not say how much of the image it accounts for")
	case s.Coverage < float64(*least):
		e.fail("min-coverage", "the SPDX document accounts for %.2f %%, less than %d %%", s.Coverage, *least)
	default:
		e.pass("min-coverage", "the SPDX document accounts for %.2f %%", s.Coverage)
	}
}

func (e *evaluation) rebuilds() {
	r := e.policy.Rebuilds
	if r == nil {
		return
	}
	got := distinct(e.facts.Rebuilders)
	if len(got) < r.Count {
		e.fail("rebuilds", "%d of %d builders made the same, want %d", len(got), len(r.By), r.Count)
		return
	}
	e.pass("rebuilds", "made again by %s", strings.Join(got, ", "))
}

func distinct(list []string) []string {
	sorted := slices.Sorted(slices.Values(list))
	return slices.Compact(sorted)
}

// matchesAny reports whether the text is one of the patterns, in which * is any
// text.
func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, text) })
}

func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, last)
}
