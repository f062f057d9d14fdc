package archive

import (
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
	arch     string  // that an unqualified name is for
	build    bool    // of Request.Build
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
			hard = append(hard, s.wants(c)...)
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
			err = s.solve(s.wants(c), slices.Clone(soft))
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
// entry for each package of a name and architecture.
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
		taken := slices.ContainsFunc(s.byName[o.Name], func(p provided) bool { return !p.virtual && s.index.excludes(o, p.entry) })
		again := slices.ContainsFunc(out, func(e *entry) bool { return e.Name == o.Name && s.index.archOf(e) == s.index.archOf(o) })
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
	for _, cl := range c.conflicts {
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

func (s *solver) wants(c *choice) []want {
	var out []want
	for _, cl := range slices.Concat(c.preDepends, c.depends) {
		out = append(out, want{clause: cl, by: c, arch: s.index.archOf(c.entry)})
	}
	return out
}

// chain says who asked for c, from the seed on.
func (s *solver) chain(c *choice) string {
	var names []string
	for at := c; at != nil; at = at.want.by {
		names = append(names, s.index.title(at.entry)+" "+at.Version)
		if at.want.by == nil && at.want.required {
			names = append(names, "the essential system")
		}
	}
	slices.Reverse(names)
	return strings.Join(names, " → ")
}
