package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pipeline turns the source of one service into a signed image with SBOM and
// provenance in a registry.
type pipeline interface {
	name() string
	// source is the folder of the service's source, the pipeline's own copy.
	source() string
	// build runs the pipeline once, to the repository repo.
	build(ctx context.Context, repo string) error
	// clean drops every cache that build fills, so that the next one is the
	// first on this machine.
	clean(ctx context.Context) error
}

// result is how long one pipeline took in one case, run by run.
type result struct {
	pipeline, scenario string
	times              []time.Duration
}

// scenario is one situation to time.
type scenario struct {
	name string
	// before is done, not timed, ahead of each timed build. It returns the
	// repository to build to.
	before func(ctx context.Context, p pipeline, run int) (repo string, err error)
}

// scenarios are in an order that lets each begin with the caches that the one
// before it left: full.
var scenarios = []scenario{
	{"nothing changed", func(context.Context, pipeline, int) (string, error) {
		return "hello", nil
	}},
	{"one line changed", func(_ context.Context, p pipeline, run int) (string, error) {
		return "hello", edit(p.source(), run)
	}},
	// To a repository of its own: an image that is in the registry already
	// would be an answer, and no cache.
	{"clean cache", func(ctx context.Context, p pipeline, run int) (string, error) {
		return fmt.Sprintf("clean-%d", run), p.clean(ctx)
	}},
}

// measure times every case, with the pipelines in turn.
func measure(ctx context.Context, pipelines []pipeline, runs int) ([]result, error) {
	for _, p := range pipelines {
		log.Printf("%s: filling caches", p.name())
		if err := p.build(ctx, p.name()+"/hello"); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	var results []result
	for _, s := range scenarios {
		times := make([][]time.Duration, len(pipelines))
		for run := range runs {
			for i, p := range pipelines {
				d, err := once(ctx, s, p, run)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", p.name(), s.name, err)
				}
				log.Printf("%s, %s: %.2f s", p.name(), s.name, d.Seconds())
				times[i] = append(times[i], d)
			}
		}
		for i, p := range pipelines {
			results = append(results, result{p.name(), s.name, times[i]})
		}
	}
	return results, nil
}

func once(ctx context.Context, s scenario, p pipeline, run int) (time.Duration, error) {
	repo, err := s.before(ctx, p, run)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = p.build(ctx, p.name()+"/"+repo)
	return time.Since(start), err
}

// edit changes one line of the service's source, differently for each run.
func edit(src string, run int) error {
	path := filepath.Join(src, "main.go")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const mark = " from kiln"
	before, after, ok := strings.Cut(string(data), mark)
	if !ok {
		return fmt.Errorf("%s does not hold %q", path, mark)
	}
	_, after, _ = strings.Cut(after, `\n`)
	changed := fmt.Sprintf(`%s%s, edited %d\n%s`, before, mark, run, after)
	return os.WriteFile(path, []byte(changed), 0o644)
}
