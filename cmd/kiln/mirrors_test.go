package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// TestSnapshotMirrors: a catalog locks with its own snapshot alone, and builds
// from a lock with that of the lock's time as well.
func TestSnapshotMirrors(t *testing.T) {
	at := time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)
	l := &recipes.Lock{Archives: []recipes.Archive{{Date: "2026-10-01T06:00:00Z"}}}
	snapshots := []string{"https://a.example/debian/${snapshot}"}
	for name, tt := range map[string]struct {
		mirrors  []string
		snapshot time.Time
		lock     *recipes.Lock
		want     []string
	}{
		"to lock":           {snapshots, at, nil, []string{"https://a.example/debian/20261119T000000Z"}},
		"to build":          {snapshots, at, l, []string{"https://a.example/debian/20261119T000000Z", "https://a.example/debian/20261001T180000Z"}},
		"without a catalog": {snapshots, time.Time{}, l, []string{"https://a.example/debian/20261001T180000Z"}},
		"no time":           {snapshots, time.Time{}, nil, nil},
		"keeps none":        {[]string{"https://a.example/debian"}, at, nil, nil},
		"as ever":           {[]string{"https://a.example/debian"}, time.Time{}, l, []string{"https://a.example/debian"}},
		"a build takes any": {[]string{"https://a.example/debian"}, at, l, []string{"https://a.example/debian"}},
		"none named":        {nil, at, nil, []string{"https://snapshot.debian.org/archive/debian/20261119T000000Z"}},
	} {
		e := &environment{mirrors: tt.mirrors, snapshot: tt.snapshot}
		got, err := e.mirrorURLs(tt.lock)
		if diff := cmp.Diff(tt.want, got["debian"]); diff != "" || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}
