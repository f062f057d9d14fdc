package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A service of the catalog is compiled whole for this platform, and for
// another by cross-compiling: what counts is the time of kiln's stage compile,
// with the build environment there already.
const (
	nativePlatform = "linux/amd64"
	crossPlatform  = "linux/arm64"
)

// crossed are the services: one in Go and one in C.
var crossed = []string{"hello", "valkey"}

// crossing times the services for both platforms, in turn.
func (k *kiln) crossing(ctx context.Context, runs int) ([]result, error) {
	var results []result
	for _, service := range crossed {
		times := map[string][]time.Duration{}
		for run := range runs + 1 {
			for _, platform := range []string{nativePlatform, crossPlatform} {
				d, err := k.compile(ctx, service, platform, run)
				if err != nil {
					return nil, fmt.Errorf("%s for %s: %w", service, platform, err)
				}
				if run == 0 {
					continue // it made the build environment
				}
				log.Printf("%s for %s: %.2f s", service, platform, d.Seconds())
				times[platform] = append(times[platform], d)
			}
		}
		for platform, t := range times {
			results = append(results, result{platform, service, t})
		}
	}
	return results, nil
}

// compile builds the service, all of it, and returns how long its steps took.
func (k *kiln) compile(ctx context.Context, service, platform string, run int) (time.Duration, error) {
	dir := filepath.Join(k.dir, "cross", filepath.Base(platform), service)
	recipe := filepath.Join(dir, "recipe.yaml")
	if run == 0 {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(k.root, "recipes/catalog", service))); err != nil {
			return 0, err
		}
	}
	text, err := os.ReadFile(filepath.Join(k.root, "recipes/catalog", service, "recipe.yaml"))
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(recipe, []byte(forPlatform(string(text), platform, run)), 0o644); err != nil {
		return 0, err
	}
	if run == 0 {
		if err := k.kiln(ctx, "lock", recipe); err != nil {
			return 0, err
		}
	}
	out, err := command(ctx, k.env, k.tool("kiln"), "build", recipe, "--key", k.key, "--progress", "plain", "--output", "json",
		"--push", fmt.Sprintf("%s/cross/%s-%s:%d", k.host, service, filepath.Base(platform), run))
	if err != nil {
		return 0, err
	}
	var built struct{ Timings map[string]float64 }
	if err := json.Unmarshal([]byte(out), &built); err != nil {
		return 0, err
	}
	seconds, ok := built.Timings["compile"]
	if !ok {
		return 0, fmt.Errorf("kiln build tells no time of compiling: %s", out)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// forPlatform is a recipe of the catalog for one platform, without tests,
// which no cross build can rely on, and with a variable that no build before
// had, so that every step runs. Go's is told to take nothing from its cache.
func forPlatform(text, platform string, run int) string {
	text, _, _ = strings.Cut(text, "\ntests:")
	var lines []string
	for line := range strings.Lines(text + "\n") {
		switch {
		case strings.HasPrefix(line, "platforms:"):
			continue
		case strings.HasPrefix(line, "build:"):
			line = fmt.Sprintf("platforms: [%s]\n%s  env: {GOFLAGS: -a, BENCH_RUN: \"%d\"}\n", platform, line, run)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// crossTable is the part of the report about them.
func crossTable(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Cross-compiling\n\nThe steps of a service, run anew in a build environment that is there, for %s and, by cross-compiling on the\n"+
		"same engine, for %s.\n\n| service | native | cross | cross / native |\n| --- | ---: | ---: | ---: |\n", nativePlatform, crossPlatform)
	for _, service := range crossed {
		native, cross := find(results, nativePlatform, service), find(results, crossPlatform, service)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", service, spread(native), spread(cross), ratio(cross, native))
	}
	return b.String()
}
