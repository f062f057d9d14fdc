package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// Index is the packages of one architecture in a release and the suites that
// go with it: its updates, its security updates and its backports; or of two
// architectures: see With. It does not change and may be used by several
// goroutines.
type Index struct {
	suite, arch string
	parts       []part
	foreign     *Index
}

// part is one suite of an index.
type part struct {
	*table
	release   *release
	backports bool
}

// member is a suite that belongs to a release.
type member struct {
	archive, suite string
	backports      bool
}

// family returns the suites of a release. Debian's rolling suites have none
// beside themselves. Security updates are never left out where they are
// missing; backports are, for old releases have none.
func family(suite string) []member {
	switch suite {
	case "sid", "unstable", "experimental":
		return []member{{Debian, suite, false}}
	}
	return []member{
		{Debian, suite, false},
		{Debian, suite + "-updates", false},
		{Security, suite + "-security", false},
		{Debian, suite + "-backports", true},
	}
}

// Index returns the packages of the release suite ("trixie") for a Debian
// architecture ("amd64").
func (c *Client) Index(ctx context.Context, suite, arch string) (*Index, error) {
	parts, err := c.parts(ctx, suite, func(r *release) (*table, error) {
		paths, err := r.packages(arch)
		if err != nil {
			return nil, err
		}
		return c.table(ctx, r, paths, packageRows, providedNames)
	})
	if err != nil {
		return nil, err
	}
	return &Index{suite: suite, arch: arch, parts: parts}, nil
}

// parts loads a table for each suite of a release, side by side.
func (c *Client) parts(ctx context.Context, suite string, load func(*release) (*table, error)) ([]part, error) {
	if checkName(suite) != nil || strings.Contains(suite, "-") {
		return nil, fmt.Errorf("reading suite %q: want the name of a release, such as trixie", suite)
	}
	members := family(suite)
	for _, m := range members { // before others are asked for what is then of no use
		if len(c.mirrors[m.archive]) == 0 {
			return nil, fmt.Errorf("reading suite %s: %w", m.suite, ErrNoMirror)
		}
	}
	parts := make([]part, len(members))
	errs := make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() {
			parts[i], errs[i] = c.part(ctx, m, load)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(parts, func(p part) bool { return p.table == nil }), nil
}

// part loads one suite. It is empty where the suite is one of backports that
// does not exist.
func (c *Client) part(ctx context.Context, m member, load func(*release) (*table, error)) (part, error) {
	r, err := c.release(ctx, m.archive, m.suite)
	if m.backports && errors.Is(err, errAbsent) {
		return part{}, nil
	}
	if err != nil {
		return part{}, fmt.Errorf("reading suite %s: %w", m.suite, err)
	}
	t, err := load(r)
	if err != nil {
		return part{}, fmt.Errorf("reading suite %s: %w", m.suite, err)
	}
	return part{table: t, release: r, backports: m.backports}, nil
}

// Archives are the suites of the index, as a lock records them.
func (x *Index) Archives() []recipes.Archive { return archivesOf(x.parts) }

func archivesOf(parts []part) []recipes.Archive {
	var out []recipes.Archive
	for _, p := range parts {
		out = append(out, recipes.Archive{
			Archive: p.release.archive, Suite: p.release.codename,
			Date: p.release.date.Format(time.RFC3339), InRelease: p.release.sha256,
		})
	}
	return out
}

// Lookup returns the version of the package name that a seed of this name
// would choose: the newest outside backports, or, where it is nowhere else,
// the newest in backports.
func (x *Index) Lookup(name string) (recipes.Package, bool) {
	all := x.Versions(name)
	for _, p := range all {
		if !strings.HasSuffix(p.Suite, "-backports") {
			return p, true
		}
	}
	if len(all) > 0 {
		return all[0], true
	}
	return recipes.Package{}, false
}

// Versions returns every version of the package name, newest first. A version
// that is in two suites is there once, from the first in the order release,
// updates, security, backports.
func (x *Index) Versions(name string) []recipes.Package {
	var out []recipes.Package
	for i := range x.parts {
		for _, row := range x.parts[i].named(name) {
			p, _ := x.parts[i].pkg(row)
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b recipes.Package) int { return CompareVersions(b.Version, a.Version) })
	return slices.CompactFunc(out, func(a, b recipes.Package) bool { return a.Version == b.Version })
}
