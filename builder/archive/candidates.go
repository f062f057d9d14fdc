package archive

import (
	"cmp"
	"slices"
	"strings"
)

// satisfiedBy returns a chosen package that satisfies w, or nil.
func (s *solver) satisfiedBy(w want) *entry {
	for _, r := range w.clause {
		for _, p := range s.byName[r.name] {
			if p.meets(r) && s.suits(p.entry, r.arch, w) && (w.suite == "" || s.index.inSuite(p.entry, w.suite)) {
				return p.entry
			}
		}
	}
	return nil
}

// suits reports whether an entry has the right architecture for w. What the
// build itself asks for may be Architecture: all for either (deb-src-control(5),
// Build-Depends).
func (s *solver) suits(e *entry, qualifier string, w want) bool {
	return s.index.suits(e, qualifier, w.arch) || w.build && qualifier == "" && e.Architecture == "all"
}

// offers is suits for what is to be chosen.
func (s *solver) offers(e *entry, qualifier string, w want) bool {
	return s.suits(e, qualifier, w) && !s.index.idle(e, qualifier)
}

// meets reports whether the name satisfies r, but for its architecture. A
// virtual package without version satisfies no relation that has one (Debian
// Policy, section 7.5).
func (p provided) meets(r relation) bool {
	if p.virtual && r.op != "" && p.version == "" {
		return false
	}
	return r.holds(p.version)
}

// options returns all that could satisfy w, best first.
func (s *solver) options(w want) ([]*entry, error) {
	var out []*entry
	for _, r := range w.clause {
		all, err := s.named(r.name)
		if err != nil {
			return nil, err
		}
		virtual, err := s.providing(r.name)
		if err != nil {
			return nil, err
		}
		out = append(out, s.fitting(w, r, all)...)
		out = append(out, s.fitting(w, r, virtual)...)
	}
	if w.suite == "" {
		out = withoutBackports(out)
	}
	return out, nil
}

// fitting are the entries that satisfy r under its name or a provided one.
func (s *solver) fitting(w want, r relation, from []*entry) []*entry {
	var out []*entry
	for _, e := range from {
		if w.suite != "" && !s.index.inSuite(e, w.suite) {
			continue
		}
		if !s.offers(e, r.arch, w) {
			continue
		}
		c := &choice{entry: e}
		for name, p := range c.names() {
			if name == r.name && p.meets(r) && s.wide(e) {
				out = append(out, e)
				break
			}
		}
	}
	return out
}

// wide reports whether the learned constraints leave the entry.
func (s *solver) wide(e *entry) bool {
	for _, r := range s.narrowed {
		if r.name == e.Name && !r.holds(e.Version) {
			return false
		}
	}
	return true
}

// withoutBackports drops backports unless there is nothing else.
func withoutBackports(in []*entry) []*entry {
	out := slices.DeleteFunc(slices.Clone(in), func(e *entry) bool { return e.backports })
	if len(out) == 0 {
		return in
	}
	return out
}

// inSuite reports whether e is in the suite of this name or codename.
func (x *Index) inSuite(e *entry, suite string) bool {
	for _, p := range x.parts {
		if (p.release.suite == suite || p.release.codename == suite) && p.release.codename == e.Suite {
			return true
		}
	}
	return false
}

// named returns the versions of a package, newest first, backports last.
func (s *solver) named(name string) ([]*entry, error) {
	if all, ok := s.entries[name]; ok {
		return all, nil
	}
	var all []*entry
	parts := s.index.all()
	for i := range parts {
		foreign := i >= len(s.index.parts)
		for _, row := range parts[i].named(name) {
			e, err := parts[i].entry(row)
			if err != nil {
				return nil, err
			}
			if foreign && e.Architecture == "all" {
				continue // the native index has it
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int {
		return cmp.Or(compareBool(a.backports, b.backports), CompareVersions(b.Version, a.Version))
	})
	s.entries[name] = all
	return all, nil
}

// providing returns the packages that provide a virtual package: by priority,
// then by name, then newest first.
func (s *solver) providing(name string) ([]*entry, error) {
	if all, ok := s.providers[name]; ok {
		return all, nil
	}
	seen := map[string]bool{}
	var all []*entry
	parts := s.index.all()
	for i := range parts {
		for _, row := range parts[i].aliased(name) {
			real, _, _ := strings.Cut(row, "\t")
			if seen[real] {
				continue
			}
			seen[real] = true
			some, err := s.named(real)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int {
		return cmp.Or(compareBool(a.backports, b.backports),
			cmp.Compare(rankOf(a.priority), rankOf(b.priority)), strings.Compare(a.Name, b.Name))
	})
	s.providers[name] = all
	return all, nil
}

func rankOf(priority string) int {
	ranks := []string{"required", "important", "standard", "optional"}
	if i := slices.Index(ranks, priority); i >= 0 {
		return i
	}
	return len(ranks)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
