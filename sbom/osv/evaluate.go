package osv

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/google/osv-scalibr/semantic"
)

// Match is what an advisory says of one version of a package.
type Match struct {
	Affected bool
	// Fixed is the lowest later version that is not affected any more; empty
	// where there is none.
	Fixed string
	// By are the parts of the advisory that say so.
	By []*Affected
}

// Match evaluates the advisory for a version of a package ("Evaluation" in the
// OSV schema). The error is about the version: it is none of the ecosystem.
func (a *Advisory) Match(ecosystem, name, version string) (Match, error) {
	v, err := parseVersion(ecosystem, version)
	if err != nil {
		return Match{}, err
	}
	var m Match
	for i := range a.Affected {
		p := &a.Affected[i]
		if !covers(p.Package.Ecosystem, ecosystem) || Key(ecosystem, p.Package.Name) != Key(ecosystem, name) {
			continue
		}
		hit, fixed, err := p.evaluate(v)
		if err != nil {
			return Match{}, fmt.Errorf("evaluating %s: %w", a.ID, err)
		}
		if !hit {
			continue
		}
		m.Affected, m.By = true, append(m.By, p)
		if m.Fixed, err = v.lower(m.Fixed, fixed); err != nil {
			return Match{}, fmt.Errorf("evaluating %s: %w", a.ID, err)
		}
	}
	return m, nil
}

func (p *Affected) evaluate(v version) (hit bool, fixed string, err error) {
	hit = slices.Contains(p.Versions, v.text)
	for _, r := range p.Ranges {
		if r.Type != "SEMVER" && r.Type != "ECOSYSTEM" {
			continue
		}
		in, until, err := r.evaluate(v)
		if err != nil {
			return false, "", err
		}
		if in {
			hit = true
			if fixed, err = v.lower(fixed, until); err != nil {
				return false, "", err
			}
		}
	}
	return hit, fixed, nil
}

// evaluate goes through the events in the order of their versions, up to v.
func (r Range) evaluate(v version) (in bool, fixed string, err error) {
	events, err := v.sorted(r.Events)
	if err != nil {
		return false, "", err
	}
	limited, within := false, false
	for _, e := range events {
		order, err := v.compare(e.at()) // of v to the event's version
		if err != nil {
			return false, "", err
		}
		switch {
		case e.Introduced != "":
			in = in || order >= 0
		case e.Fixed != "":
			if order >= 0 {
				in = false
			} else if in && fixed == "" {
				fixed = e.Fixed
			}
		case e.LastAffected != "":
			in = in && order <= 0
		case e.Limit != "":
			limited, within = true, within || e.Limit == "*" || order < 0
		}
	}
	if !in || limited && !within {
		return false, "", nil
	}
	return true, fixed, nil
}

// at is the version that the event is about.
func (e Event) at() string { return cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit) }

// version is one that others of its ecosystem are compared with.
type version struct {
	text      string
	ecosystem string
	parsed    semantic.Version
}

func parseVersion(ecosystem, text string) (version, error) {
	parsed, err := semantic.Parse(text, base(ecosystem))
	if err != nil {
		return version{}, fmt.Errorf("reading version %q of %s: %w", text, ecosystem, err)
	}
	return version{text, base(ecosystem), parsed}, nil
}

// compare compares v with another. "0" is below all versions, and "*" above.
func (v version) compare(other string) (int, error) {
	switch other {
	case "0":
		return 1, nil
	case "*":
		return -1, nil
	case v.text:
		return 0, nil
	}
	order, err := v.parsed.CompareStr(other)
	if err != nil {
		return 0, fmt.Errorf("reading version %q of %s: %w", other, v.ecosystem, err)
	}
	return order, nil
}

// sorted are the events in the order of their versions. Of several at one
// version those that introduce come first.
func (v version) sorted(events []Event) ([]Event, error) {
	list := slices.Clone(events)
	var failed error
	slices.SortStableFunc(list, func(a, b Event) int {
		order, err := between(v.ecosystem, a.at(), b.at())
		if err != nil {
			failed = err
		}
		if order == 0 && (a.Introduced == "") != (b.Introduced == "") {
			if a.Introduced != "" {
				return -1
			}
			return 1
		}
		return order
	})
	return list, failed
}

// lower is the lower of two versions, where an empty one is none.
func (v version) lower(a, b string) (string, error) {
	if a == "" || b == "" {
		return cmp.Or(a, b), nil
	}
	order, err := between(v.ecosystem, a, b)
	if order <= 0 {
		return a, err
	}
	return b, err
}

func between(ecosystem, a, b string) (int, error) {
	switch {
	case a == b:
		return 0, nil
	case a == "0" || b == "*":
		return -1, nil
	case a == "*":
		return 1, nil
	}
	v, err := parseVersion(ecosystem, a)
	if err != nil {
		return 0, err
	}
	return v.compare(b)
}
