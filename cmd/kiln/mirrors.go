package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// mirrorURLs are the mirrors that flags name and no others; else those of the
// machine's apt and, since mirrors drop old versions, for a build from the
// lock l the snapshot archive of the lock's time; else the snapshot archive
// alone.
func (e *environment) mirrorURLs(l *recipes.Lock) (map[string][]string, error) {
	if named := namedMirrors(e.mirrors); len(named) > 0 {
		return e.dated(named, l)
	}
	if l == nil && !e.snapshot.IsZero() {
		return withSnapshot(nil, e.snapshot), nil
	}
	mirrors, err := archive.HostMirrors("/")
	switch {
	case err != nil && !errors.Is(err, archive.ErrNoMirror):
		return nil, err
	case l != nil:
		return withSnapshot(mirrors, snapshotTime(l)), nil
	case len(mirrors[archive.Debian]) == 0:
		return withSnapshot(nil, time.Now()), nil
	}
	return mirrors, nil
}

// snapshotMark stands in a mirror's URL for the time of a snapshot.
const snapshotMark = "${snapshot}"

// dated has mirrors that keep snapshots serve that of the catalog and, to build
// from the lock l, that of its time. To lock with a snapshot no others will do.
func (e *environment) dated(named map[string][]string, l *recipes.Lock) (map[string][]string, error) {
	var times []time.Time
	if !e.snapshot.IsZero() {
		times = append(times, e.snapshot)
	}
	if l != nil {
		times = append(times, snapshotTime(l))
	}
	out := map[string][]string{}
	for name, urls := range named {
		for _, u := range urls {
			keeps := strings.Contains(u, snapshotMark)
			switch {
			case keeps && len(times) == 0:
				return nil, withHint{fmt.Errorf("a mirror has %s, and there is no snapshot to lock with", snapshotMark), "add `snapshot: 20261119T000000Z` to `catalog` in kiln.yaml"}
			case !keeps && l == nil && !e.snapshot.IsZero():
				return nil, withHint{errors.New("the catalog has a snapshot, and a mirror keeps none"), "put " + snapshotMark + " into the mirror's URL, or name no mirrors, for snapshot.debian.org"}
			case !keeps:
				out[name] = append(out[name], u)
			default:
				for _, at := range times {
					out[name] = append(out[name], strings.ReplaceAll(u, snapshotMark, at.UTC().Format(recipes.SnapshotForm)))
				}
			}
		}
	}
	return out, nil
}

// namedMirrors reads --mirror: a URL, or ARCHIVE=URL.
func namedMirrors(flags []string) map[string][]string {
	mirrors := map[string][]string{}
	for _, m := range flags {
		if m == "" { // an empty environment variable
			continue
		}
		name, u, named := strings.Cut(m, "=")
		if !named || strings.Contains(name, "/") {
			name, u = archive.Debian, m
		}
		mirrors[name] = append(mirrors[name], u)
	}
	return mirrors
}

// snapshotTime is when the snapshot archive surely held all that l pins: half
// a day after the newest suite of the lock was made. Each suite is taken four
// times a day, and what is superseded stays for a day.
func snapshotTime(l *recipes.Lock) time.Time {
	var newest time.Time
	for _, a := range l.Archives {
		if t, err := time.Parse(time.RFC3339, a.Date); err == nil && t.After(newest) {
			newest = t
		}
	}
	return newest.Add(12 * time.Hour)
}

// withSnapshot adds the archive's state at a time, as snapshot.debian.org
// serves it, after the mirrors.
func withSnapshot(mirrors map[string][]string, at time.Time) map[string][]string {
	all := map[string][]string{}
	for _, name := range []string{archive.Debian, archive.Security} {
		all[name] = append(append(all[name], mirrors[name]...),
			"https://snapshot.debian.org/archive/"+name+"/"+at.UTC().Format(recipes.SnapshotForm))
	}
	return all
}
