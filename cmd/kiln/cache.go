package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/recipes"
)

// cacheFlags name caches outside the engine.
func cacheFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "cache-from", Value: &texts{}, Usage: "take results of steps from `CACHE`, such as type=registry,ref=registry.corp/cache/${name}; also type=gha, s3 and local"},
		&cli.GenericFlag{Name: "cache-to", Value: &texts{}, Usage: "write them to `CACHE`; mode=max for those of all steps. That it cannot be written fails no build"},
	}
}

// texts are the values of a flag that may be given several times, each of them
// with commas.
type texts []string

// Set implements cli.Generic.
func (t *texts) Set(value string) error {
	*t = append(*t, value)
	return nil
}

// String implements cli.Generic.
func (t *texts) String() string { return strings.Join(*t, " ") }

// caches are those that a build reads and writes.
type caches struct{ from, to []builder.CacheEntry }

func newCaches(c *cli.Context) (caches, error) {
	from, err := parseCaches(c, "cache-from", builder.CacheFrom)
	if err != nil {
		return caches{}, err
	}
	to, err := parseCaches(c, "cache-to", builder.CacheTo)
	return caches{from, to}, err
}

func parseCaches(c *cli.Context, flag, direction string) ([]builder.CacheEntry, error) {
	given, ok := c.Generic(flag).(*texts)
	if !ok { // a command without the flag
		return nil, nil
	}
	var list []builder.CacheEntry
	for _, text := range *given {
		entry, err := builder.ParseCache(text, direction, os.Getenv)
		if err != nil {
			return nil, usage{fmt.Errorf("--%s: %w", flag, err)}
		}
		list = append(list, entry)
	}
	return list, nil
}

// of are the caches of a recipe's image for a platform.
func (c caches) of(r *recipes.Recipe, platform string) caches {
	var own caches
	for _, e := range c.from {
		own.from = append(own.from, e.For(r.Tagged(r.Name), platform))
	}
	for _, e := range c.to {
		own.to = append(own.to, e.For(r.Tagged(r.Name), platform))
	}
	return own
}

// checkCaches refuses builds that would write to the same place, where only the
// last would be left.
func checkCaches(builds []*build) error {
	taken := map[string]bool{}
	for _, b := range builds {
		for _, p := range b.platforms {
			for _, e := range b.caches.of(b.recipe, p).to {
				if taken[e.String()] {
					return withHint{usagef("--cache-to: two builds would write to %s", e), "tell them apart by ${name} and ${platform}"}
				}
				taken[e.String()] = true
			}
		}
	}
	return nil
}

// writeCaches stores what the steps of the jobs made. The images are where they
// belong already, so what goes wrong is told and fails nothing.
func (b *build) writeCaches(ctx context.Context, jobs []*job) {
	for _, j := range jobs {
		for _, to := range b.caches.of(j.recipe, j.platform).to {
			if err := j.engine(j.conn).WriteCache(ctx, j.plan, to); err != nil {
				b.warn(recipes.Problem{Msg: message(err), Hint: "the image is what it would be with the cache; only the next build takes longer"})
			}
		}
	}
	if len(b.caches.to) > 0 {
		b.clock.lap("cache")
	}
}

// warn tells what went wrong without failing the build.
func (b *build) warn(p recipes.Problem) {
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		fmt.Fprintln(b.stderr, annotation{level: "warning", problem: p, title: "kiln"}.command(os.Getenv("GITHUB_WORKSPACE")))
	}
	b.say("note: %s", p.Msg)
}
