package archive

import (
	"fmt"
	"slices"
)

// conflictOf returns an error where c and a chosen package exclude each other
// by Conflicts or Breaks of either (Debian Policy, sections 7.3 and 7.4).
func (s *solver) conflictOf(c *choice) error {
	for _, cl := range c.conflicts {
		for _, r := range cl {
			for _, p := range s.byName[r.name] {
				if p.excludedBy(r, c.entry, s.index.arch) {
					return newConflict(c, p.choice, r)
				}
			}
		}
	}
	for name, p := range c.names() {
		for _, other := range s.conflicts[name] {
			if p.excludedBy(other.relation, other.by.entry, s.index.arch) {
				return newConflict(other.by, c, other.relation)
			}
		}
	}
	return nil
}

// excludedBy reports whether r, declared by the package by, excludes the
// name. A package does not exclude itself through what it provides.
func (p provided) excludedBy(r relation, by *entry, arch string) bool {
	if p.Name == by.Name || (p.virtual && r.op != "" && p.version == "") {
		return false
	}
	foreign := r.arch != "" && r.arch != "any" && r.arch != "native" && r.arch != arch
	return !foreign && r.holds(p.version)
}

func newConflict(by, other *choice, r relation) error {
	return &ConflictError{
		Package: by.String(), Other: other.String(), Relation: r.String(),
		Chains: [2]string{by.chain(), other.chain()},
	}
}

// unmet explains why nothing satisfies w. opts are what would, were another
// version of it not chosen.
func (s *solver) unmet(w want, opts []*entry) error {
	e := &UnmetError{Chain: "the request", Dependency: w.clause.String(), Reason: s.reason(w)}
	if w.by != nil {
		e.Chain = w.by.chain()
	}
	first := w.clause[0]
	if have, _ := s.named(first.name); len(have) == 0 {
		e.Near = nearest(first.name, s.index.parts)
	}
	if len(opts) == 0 {
		return e
	}
	o := opts[0]
	for _, r := range w.clause {
		if r.name == o.Name && r.op != "" {
			return &versionClash{relation: r, unmet: e}
		}
	}
	return &versionClash{relation: relation{name: o.Name, op: "=", version: o.Version}, unmet: e}
}

// reason says what there is of the first alternative.
func (s *solver) reason(w want) string {
	name := w.clause[0].name
	for _, p := range s.byName[name] {
		if !p.virtual {
			return fmt.Sprintf("%s is chosen in version %s (%s)", name, p.Version, p.chain())
		}
	}
	have, err := s.named(name)
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
