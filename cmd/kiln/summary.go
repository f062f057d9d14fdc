package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/sign"
)

// say tells a person what goes on.
func (b *build) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, format+"\n", args...)
}

func (b *build) summary(res *result) {
	if res.Unchanged {
		b.say("%s %s  unchanged since %s, verified  (%.1f s)", res.Name, res.Version, b.since(res), b.clock.total().Seconds())
		return
	}
	b.say("%s %s  %s  %s  %d packages, %d files, all accounted for  user %s  (%.1f s)",
		res.Name, res.Version, res.Platform, megabytes(res.Size), res.Packages, res.Files, res.User, b.clock.total().Seconds())
	for _, pkg := range slices.Sorted(maps.Keys(res.Added)) {
		b.say("  needs       %s: %s", pkg, res.Added[pkg])
	}
	for _, t := range res.Tests {
		b.say("  tested      %s", t.Name)
	}
	if b.signer.development() {
		b.say("  signed      development key (local, not for production)")
	} else {
		b.say("  signed      %s", b.signer.file)
	}
	b.say("  statements  %s", strings.Join(res.Statements, ", "))
	if res.Loaded != "" {
		b.say("  loaded      %s", res.Loaded)
	}
	if _, ok := b.target.(*registryTarget); !ok {
		b.say("  written     %s (an OCI layout; --push REPOSITORY publishes it)", strings.SplitN(res.Reference, "@", 2)[0])
		return
	}
	for _, ref := range b.target.tagged() {
		b.say("  pushed      %s", ref)
	}
	b.say("  verify      kiln verify %s --key %s", res.Reference, b.verifyKey())
}

// verifyKey is the public key's file, by the usual names.
func (b *build) verifyKey() string {
	if b.signer.development() {
		return filepath.Join(b.env.keys(), sign.DevelopmentPublicKeyFile)
	}
	return strings.TrimSuffix(b.signer.file, ".key") + ".pub"
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// stopwatch measures stages. Its times are for people; they reach nothing
// that is hashed or signed.
type stopwatch struct {
	now         func() time.Time
	start, last time.Time
	laps        map[string]float64 // in seconds
}

func newStopwatch(now func() time.Time) *stopwatch {
	t := now()
	return &stopwatch{now: now, start: t, last: t, laps: map[string]float64{}}
}

func (s *stopwatch) lap(stage string) {
	t := s.now()
	s.laps[stage] = t.Sub(s.last).Seconds()
	s.last = t
}

func (s *stopwatch) total() time.Duration { return s.now().Sub(s.start) }
