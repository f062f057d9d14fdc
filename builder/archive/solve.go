package archive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// solver searches a set of packages. It takes what is forced at once, puts off
// what leaves a choice until nothing is forced, and goes back to the last
// choice when it comes to a dead end.
type solver struct {
	index     *Index
	entries   map[string][]*entry // by name, in order of preference
	providers map[string][]*entry // by virtual name, in order of preference
	chosen    []choice
	byName    map[string][]provided
	conflicts map[string][]conflict
	// narrowed are constraints learned from dead ends: versions that were
	// chosen too early, for a weaker one.
	narrowed []relation
	steps    int
}

// maxSteps bounds the search. A real closure takes a few hundred.
const maxSteps = 20000

// want is a clause that must hold, and who asked for it.
type want struct {
	clause   clause
	by       *choice // nil for a seed
	suite    string  // of a seed name/suite
	required bool    // asked for by Request.Essential
}

// choice is a package that was chosen, and why.
type choice struct {
	*entry
	want want
}

// provided is a name that a chosen package has, and the version under it. A
// package provides its own name in its version.
type provided struct {
	*choice
	version string // empty for a virtual package without version
	virtual bool
}

// conflict is a relation that a chosen package declares in Conflicts or Breaks.
type conflict struct {
	relation
	by *choice
}

// run solves, and begins anew with a narrower constraint where a version was
// chosen too early.
func (s *solver) run(wants []want) error {
	var last *versionClash
	for {
		s.undo(0)
		err := s.solve(wants, nil)
		clash, ok := err.(*versionClash) //nolint:errorlint // never wrapped
		switch {
		case err == nil:
			return nil
		case !ok && last == nil:
			return err
		case !ok || len(s.narrowed) >= 64 || slices.Contains(s.narrowed, clash.relation):
			// Two packages need what no one version is. The first
			// collision says so, a later one would not.
			return last.unmet
		}
		last = clash
		s.narrowed = append(s.narrowed, clash.relation)
	}
}

// versionClash says that a package was chosen in a version that a later
// dependency excludes, where another version would do.
type versionClash struct {
	relation
	unmet *UnmetError
}

func (e *versionClash) Error() string { return e.unmet.Error() }

// solve satisfies hard, in order, and then soft.
func (s *solver) solve(hard, soft []want) error {
	for len(hard) > 0 {
		w := hard[0]
		hard = hard[1:]
		opts, err := s.open(w)
		if err != nil {
			return err
		}
		switch {
		case len(opts) == 0: // satisfied
		case len(opts) == 1:
			c, err := s.add(opts[0], w)
			if err != nil {
				return err
			}
			hard = append(hard, c.wants()...)
		default:
			soft = append(soft, w)
		}
	}
	return s.decide(soft)
}

// decide takes the first open choice of soft and tries its options in order.
func (s *solver) decide(soft []want) error {
	if len(soft) == 0 {
		return nil
	}
	w, soft := soft[0], soft[1:]
	opts, err := s.open(w)
	if err != nil {
		return err
	}
	if len(opts) == 0 {
		return s.decide(soft)
	}
	var first error
	for _, o := range opts {
		mark := len(s.chosen)
		c, err := s.add(o, w)
		if err == nil {
			err = s.solve(c.wants(), slices.Clone(soft))
		}
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if s.steps > maxSteps {
			break
		}
		s.undo(mark)
	}
	return first
}

// open returns what could satisfy w: nothing where it is satisfied, else one
// entry for each package name.
func (s *solver) open(w want) ([]*entry, error) {
	if s.steps++; s.steps > maxSteps {
		return nil, fmt.Errorf("resolving packages: gave up after %d steps at %s", maxSteps, w.clause)
	}
	if s.satisfiedBy(w) != nil {
		return nil, nil
	}
	opts, err := s.options(w)
	if err != nil {
		return nil, err
	}
	var out []*entry
	for _, o := range opts {
		taken := slices.ContainsFunc(s.byName[o.Name], func(p provided) bool { return !p.virtual })
		again := slices.ContainsFunc(out, func(e *entry) bool { return e.Name == o.Name })
		if !taken && !again {
			out = append(out, o)
		}
	}
	if len(out) == 0 {
		return nil, s.unmet(w, opts)
	}
	return out, nil
}

// add chooses e for w, unless it conflicts with what is chosen.
func (s *solver) add(e *entry, w want) (*choice, error) {
	c := &choice{entry: e, want: w}
	if err := s.conflictOf(c); err != nil {
		return nil, err
	}
	s.chosen = append(s.chosen, *c)
	s.note(c)
	return c, nil
}

// note enters a chosen package in the maps.
func (s *solver) note(c *choice) {
	for name, p := range c.names() {
		s.byName[name] = append(s.byName[name], p)
	}
	for _, cl := range c.entry.conflicts {
		for _, r := range cl {
			s.conflicts[r.name] = append(s.conflicts[r.name], conflict{r, c})
		}
	}
}

// undo forgets all but the first n choices.
func (s *solver) undo(n int) {
	s.chosen = s.chosen[:n]
	s.byName, s.conflicts = map[string][]provided{}, map[string][]conflict{}
	for i := range s.chosen {
		c := s.chosen[i]
		s.note(&c)
	}
}

// names yields the package's own name and those it provides.
func (c *choice) names() func(yield func(string, provided) bool) {
	return func(yield func(string, provided) bool) {
		if !yield(c.Name, provided{choice: c, version: c.Version}) {
			return
		}
		for _, cl := range c.provides {
			if !yield(cl[0].name, provided{choice: c, version: cl[0].version, virtual: true}) {
				return
			}
		}
	}
}

func (c *choice) wants() []want {
	var out []want
	for _, cl := range slices.Concat(c.preDepends, c.entry.depends) {
		out = append(out, want{clause: cl, by: c})
	}
	return out
}

// chain says who asked for c, from the seed on.
func (c *choice) chain() string {
	var names []string
	for at := c; at != nil; at = at.want.by {
		names = append(names, at.Name+" "+at.Version)
		if at.want.by == nil && at.want.required {
			names = append(names, "the essential system")
		}
	}
	slices.Reverse(names)
	return strings.Join(names, " → ")
}

// satisfiedBy returns a chosen package that satisfies w, or nil.
func (s *solver) satisfiedBy(w want) *entry {
	for _, r := range w.clause {
		for _, p := range s.byName[r.name] {
			if p.meets(r, s.index.arch) && (w.suite == "" || s.index.inSuite(p.entry, w.suite)) {
				return p.entry
			}
		}
	}
	return nil
}

// meets reports whether the name satisfies r. A virtual package without
// version satisfies no relation that has one (Debian Policy, section 7.5).
func (p provided) meets(r relation, arch string) bool {
	if p.virtual && r.op != "" && p.version == "" {
		return false
	}
	return r.holds(p.version) && p.entry.archMeets(r.arch, arch)
}

// archMeets checks the architecture qualifier of a relation: any is for
// packages that allow it (dpkg's multiarch specification), native and the
// index's own architecture are no restriction here.
func (e *entry) archMeets(qualifier, arch string) bool {
	switch qualifier {
	case "", "native", arch:
		return true
	case "any":
		return e.anyArch
	}
	return false
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
		c := &choice{entry: e}
		for name, p := range c.names() {
			if name == r.name && p.meets(r, s.index.arch) && s.wide(e) {
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
	for i := range s.index.parts {
		p := &s.index.parts[i]
		for _, row := range p.named(name) {
			e, err := p.entry(row)
			if err != nil {
				return nil, err
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
	for i := range s.index.parts {
		for _, row := range s.index.parts[i].aliased(name) {
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
