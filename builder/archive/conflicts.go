package archive

import (
	"cmp"
	"fmt"
	"slices"
)

// conflictOf returns an error where c and a chosen package exclude each other
// by Conflicts or Breaks of either (Debian Policy, sections 7.3 and 7.4).
func (s *solver) conflictOf(c *choice) error {
	for _, cl := range c.conflicts {
		for _, r := range cl {
			for _, p := range s.byName[r.name] {
				if s.excluded(p, r, c.entry) {
					return s.newConflict(c, p.choice, r)
				}
			}
		}
	}
	for name, p := range c.names() {
		for _, other := range s.conflicts[name] {
			if s.excluded(p, other.relation, other.by.entry) {
				return s.newConflict(other.by, c, other.relation)
			}
		}
	}
	return nil
}

// excluded reports whether r, declared by the package by, excludes the name,
// which it does for all architectures unless it names one. A package does not
// exclude itself, of another architecture neither, through what it provides.
func (s *solver) excluded(p provided, r relation, by *entry) bool {
	if p.Name == by.Name {
		return false
	}
	all := r.arch == "" || r.arch == "any"
	return p.meets(r) && (all || s.index.suits(p.entry, r.arch, ""))
}

func (s *solver) newConflict(by, other *choice, r relation) error {
	return &ConflictError{
		Package: by.String(), Other: other.String(), Relation: r.String(),
		Chains: [2]string{s.chain(by), s.chain(other)},
	}
}

// unmet explains why nothing satisfies w. opts are what would, were another
// version of it not chosen.
func (s *solver) unmet(w want, opts []*entry) error {
	e := &UnmetError{Chain: "the request", Dependency: w.clause.String(), Reason: s.reason(w)}
	if w.by != nil {
		e.Chain = s.chain(w.by)
	}
	first := w.clause[0]
	if have, _ := s.named(first.name); len(have) == 0 {
		e.Near = nearest(first.name, s.index.parts)
	}
	if len(opts) == 0 {
		return e
	}
	o := opts[0]
	asked := slices.IndexFunc(w.clause, func(r relation) bool { return r.name == o.Name && r.op != "" })
	if asked >= 0 && !s.skewed(o) {
		return &versionClash{relation: w.clause[asked], unmet: e}
	}
	return &versionClash{relation: relation{name: o.Name, op: "=", version: o.Version}, unmet: e}
}

// reason says what there is of the first alternative.
func (s *solver) reason(w want) string {
	name := w.clause[0].name
	for _, p := range s.byName[name] {
		if !p.virtual {
			return fmt.Sprintf("%s is chosen in version %s (%s)", s.index.title(p.entry), p.Version, s.chain(p.choice))
		}
	}
	have, err := s.named(name)
	if why := s.wrongArch(w, have); why != "" {
		return why
	}
	if err != nil {
		return err.Error()
	}
	if len(have) > 0 {
		newest := slices.MaxFunc(have, func(a, b *entry) int { return CompareVersions(a.Version, b.Version) })
		return fmt.Sprintf("%s is there in version %s, from %s", name, newest.Version, newest.Suite)
	}
	if virtual, _ := s.providing(name); len(virtual) > 0 {
		return fmt.Sprintf("%s is virtual, and no package provides it in such a version", name)
	}
	return fmt.Sprintf("there is no package %q", name)
}

// wrongArch says why none of the versions has the architecture that w asks for;
// it is empty where one has.
func (s *solver) wrongArch(w want, have []*entry) string {
	r := w.clause[0]
	if len(have) == 0 || slices.ContainsFunc(have, func(e *entry) bool { return s.suits(e, r.arch, w) }) {
		return ""
	}
	if r.arch == "any" {
		return r.name + " is not Multi-Arch: allowed"
	}
	return fmt.Sprintf("there is no %s for %s", r.name, cmp.Or(r.arch, w.arch))
}

// skewed reports whether the package is chosen for the other architecture in a
// version that o is not of, where both must be the same.
func (s *solver) skewed(o *entry) bool {
	return slices.ContainsFunc(s.byName[o.Name], func(p provided) bool {
		return !p.virtual && s.index.archOf(p.entry) != s.index.archOf(o) && p.multiArch == "same" && o.multiArch == "same"
	})
}
