package archive

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// Request says what to resolve.
type Request struct {
	// Seeds are the packages asked for: a name, name=version, or name/suite
	// ("golang-1.27-go/trixie-backports").
	Seeds []string
	// Build are packages asked for as a source package's Build-Depends ask
	// when it is cross-built (Debian Policy, section 7.1): NAME is for the
	// foreign architecture of the index, unless it is Multi-Arch: foreign or
	// Architecture: all; NAME:native is for the native one, NAME:any for
	// that of what is Multi-Arch: allowed. In an index of one architecture
	// they are seeds.
	Build []string
	// Essential adds every package that is Essential or of priority
	// required: what a system needs in which dpkg runs.
	Essential bool
}

// Resolution is a set of packages that can be installed together and needs
// nothing outside itself.
type Resolution struct {
	// Packages are sorted by name, native ones first. Essential is set on those that must be
	// unpacked before dpkg can run, where the request asked for them.
	Packages []recipes.Package
	// Archives are the suites that were looked in.
	Archives []recipes.Archive
}

// Resolve finds the packages that the seeds need: their Pre-Depends and
// Depends, and those of what these bring (Debian Policy, section 7.2).
//
// Each package is taken in its newest version in the release, its updates and
// its security updates; backports are used for a seed that names them, and
// where a dependency can be met nowhere else. Of alternatives, one that is
// chosen already wins, then the first that can be had. The same index and
// request give the same result. Errors are [*UnknownError], [*UnmetError] and
// [*ConflictError].
func (x *Index) Resolve(req Request) (Resolution, error) {
	s := &solver{index: x, entries: map[string][]*entry{}, providers: map[string][]*entry{}}
	wants, err := s.seeds(req)
	if err != nil {
		return Resolution{}, err
	}
	if err := s.run(wants); err != nil {
		return Resolution{}, err
	}
	res := Resolution{Archives: x.Archives()}
	first := map[*entry]bool{}
	if req.Essential {
		first = s.beforeDpkg()
	}
	for _, c := range s.chosen {
		p := c.Package
		p.Essential = first[c.entry]
		res.Packages = append(res.Packages, p)
	}
	slices.SortFunc(res.Packages, func(a, b recipes.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), compareBool(x.isForeign(a), x.isForeign(b)))
	})
	return res, nil
}

func (x *Index) isForeign(p recipes.Package) bool {
	return x.foreign != nil && p.Architecture == x.foreign.arch
}

// seeds turns a request into what the solver must find.
func (s *solver) seeds(req Request) ([]want, error) {
	var wants []want
	var errs []error
	for i, seed := range slices.Concat(req.Seeds, req.Build) {
		w, err := s.seed(seed, i >= len(req.Seeds))
		if err != nil {
			errs = append(errs, err)
		}
		wants = append(wants, w)
	}
	if req.Essential {
		for _, name := range s.index.required() {
			wants = append(wants, want{clause: clause{{name: name}}, arch: s.index.arch, required: true})
		}
	}
	return wants, errors.Join(errs...)
}

// seed reads name, name=version or name/suite, each name with or without an
// architecture. The first of a seed's versions that fits is what a plain
// dependency on it would choose.
func (s *solver) seed(text string, build bool) (want, error) {
	name, version, _ := strings.Cut(text, "=")
	name, suite, _ := strings.Cut(name, "/")
	name, arch, _ := strings.Cut(name, ":")
	r := relation{name: name, version: version, arch: arch}
	if version != "" {
		r.op = "="
	}
	if err := errors.Join(checkName(name), checkSeedVersion(version)); err != nil {
		return want{}, fmt.Errorf("reading seed %q: %w", text, err)
	}
	w := want{clause: clause{r}, suite: suite, arch: s.index.arch, build: build}
	if build && s.index.foreign != nil {
		w.arch = s.index.foreign.arch
	}
	opts, err := s.options(w)
	if err != nil || len(opts) > 0 {
		return w, err
	}
	if have, _ := s.named(name); arch == "any" && len(have) > 0 {
		return w, &UnmetError{Chain: "the request", Dependency: text, Reason: s.wrongArch(w, have)}
	}
	e := s.index.of(cmp.Or(arch, w.arch)).unknown(name, version, suite)
	if s.index.foreign != nil {
		e.Arch = s.index.of(cmp.Or(arch, w.arch)).arch
	}
	return w, e
}

func checkSeedVersion(v string) error {
	if v == "" {
		return nil
	}
	return checkVersion(v)
}

func (x *Index) unknown(name, version, suite string) *UnknownError {
	e := &UnknownError{Kind: "package", Name: name, Version: version, Suite: suite}
	for _, p := range x.Versions(name) {
		e.Have = append(e.Have, p.Version+" in "+p.Suite)
	}
	if len(e.Have) == 0 {
		e.Near = nearest(name, x.parts)
	}
	return e
}

// required are the names of the packages that are Essential or of priority
// required outside backports.
func (x *Index) required() []string {
	var names []string
	for _, p := range x.parts {
		if p.backports {
			continue
		}
		for i := range p.rows {
			row := p.row(i)
			if isRequired(row) {
				names = append(names, p.name(i))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isRequired looks at a row without decoding it: there are tens of thousands.
func isRequired(row string) bool {
	for range colEssential {
		row = row[strings.IndexByte(row, '\t')+1:]
	}
	essential, rest, _ := strings.Cut(row, "\t")
	return essential == "yes" || strings.HasPrefix(rest, "required\t")
}

// beforeDpkg returns the chosen packages that must be unpacked before dpkg
// can run: the essential ones, which every maintainer script may use, and
// what these need.
func (s *solver) beforeDpkg() map[*entry]bool {
	first := map[*entry]bool{}
	var add func(e *entry)
	add = func(e *entry) {
		if first[e] {
			return
		}
		first[e] = true
		for _, c := range slices.Concat(e.preDepends, e.depends) {
			if by := s.satisfiedBy(want{clause: c, arch: s.index.arch}); by != nil {
				add(by)
			}
		}
	}
	for _, c := range s.chosen {
		if c.essential {
			add(c.entry)
		}
	}
	return first
}
