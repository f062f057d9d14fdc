package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
)

// say tells a person what goes on.
func (b *build) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, format+"\n", args...)
}

func (b *build) summary(res *result) {
	if res.Unchanged {
		b.say("%s %s  unchanged since %s, verified  (%.1f s)", res.Name, b.recipe.Tag(), b.since(res), b.clock.total().Seconds())
		return
	}
	b.made(res)
	b.say("  signed      %s", b.signer.people)
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
	b.say("  verify      kiln verify %s %s", res.Reference, b.signer.verify)
}

// made says what was made for each platform.
func (b *build) made(res *result) {
	size := func(p *platformResult) string {
		return fmt.Sprintf("%s  %s  %d packages, %d files, %s", p.Platform, megabytes(p.Size), p.Packages, p.Files, accounted(p.Coverage))
	}
	if !b.index() {
		p := res.Platforms[0]
		b.say("%s %s  %s  user %s  (%.1f s)", res.Name, b.recipe.Tag(), size(p), res.User, b.clock.total().Seconds())
		b.notes(p)
		return
	}
	b.say("%s %s  user %s  (%.1f s)", res.Name, b.recipe.Tag(), res.User, b.clock.total().Seconds())
	for _, p := range res.Platforms {
		b.say("  %s", size(p))
		b.notes(p)
	}
}

// accounted says how much of an image its SBOM covers.
func accounted(c *sbom.Coverage) string {
	if c.Complete() {
		return "all accounted for"
	}
	return fmt.Sprintf("%.1f %% accounted for", math.Floor(10*c.Percent())/10)
}

// notes are what is worth knowing about the image of one platform.
func (b *build) notes(p *platformResult) {
	for _, pkg := range slices.Sorted(maps.Keys(p.Added)) {
		b.say("  needs       %s: %s", pkg, p.Added[pkg])
	}
	for _, g := range p.Coverage.Gaps {
		b.say("  allowed     %s", g)
	}
	b.linked(p)
	b.hardened(p)
	b.noted(p)
	if len(p.Tests) == 0 {
		b.say("  not tested  the recipe has no tests")
	}
	for _, t := range p.Tests {
		switch {
		case t.Status == recipes.StatusNotRun:
			b.say("  not tested  %s: %s", t.Name, t.Reason)
		case t.Emulated:
			b.say("  tested      %s (emulated)", t.Name)
		default:
			b.say("  tested      %s", t.Name)
		}
	}
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
