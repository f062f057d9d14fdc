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

// A service of the catalog is built for this platform, and for another by
// cross-compiling, with the build environment there already. What counts is how
// long kiln build takes, and how long of it the service's steps do.
const (
	nativePlatform = "linux/amd64"
	crossPlatform  = "linux/arm64"
)

// crossed are the services: one in Go and one in C.
var crossed = []string{"hello", "valkey"}

// steps is the scenario of a service's steps alone.
func steps(service string) string { return service + ", its steps" }

// crossing times the services for both platforms, in turn.
func (k *kiln) crossing(ctx context.Context, runs int) ([]result, error) {
	var results []result
	for _, service := range crossed {
		whole, part := map[string][]time.Duration{}, map[string][]time.Duration{}
		for run := range runs + 1 {
			for _, platform := range []string{nativePlatform, crossPlatform} {
				all, compile, err := k.compile(ctx, service, platform, run)
				if err != nil {
					return nil, fmt.Errorf("%s for %s: %w", service, platform, err)
				}
				if run == 0 {
					continue // it made the build environment
				}
				log.Printf("%s for %s: %.2f s, its steps %.2f s", service, platform, all.Seconds(), compile.Seconds())
				whole[platform], part[platform] = append(whole[platform], all), append(part[platform], compile)
			}
		}
		for _, platform := range []string{nativePlatform, crossPlatform} {
			results = append(results, result{platform, service, whole[platform]}, result{platform, steps(service), part[platform]})
		}
	}
	return results, nil
}

// compile builds the service, all of it, and returns how long that took, and
// how long its steps.
func (k *kiln) compile(ctx context.Context, service, platform string, run int) (all, compile time.Duration, err error) {
	recipe, err := k.crossRecipe(service, platform, run)
	if err != nil {
		return 0, 0, err
	}
	if run == 0 {
		if err := k.kiln(ctx, "lock", recipe); err != nil {
			return 0, 0, err
		}
	}
	start := time.Now()
	out, err := command(ctx, k.env, k.tool("kiln"), "build", recipe, "--key", k.key, "--progress", "plain", "--output", "json",
		"--push", fmt.Sprintf("%s/cross/%s-%s:%d", k.host, service, filepath.Base(platform), run))
	if err != nil {
		return 0, 0, err
	}
	all = time.Since(start)
	compile, err = lap(out, "compile")
	return all, compile, err
}

// crossRecipe writes the recipe of one run, beside the service's files.
func (k *kiln) crossRecipe(service, platform string, run int) (string, error) {
	from := filepath.Join(k.root, "recipes/catalog", service)
	dir := filepath.Join(k.dir, "cross", filepath.Base(platform), service)
	if run == 0 {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile(filepath.Join(from, "recipe.yaml"))
	if err != nil {
		return "", err
	}
	recipe := filepath.Join(dir, "recipe.yaml")
	return recipe, os.WriteFile(recipe, []byte(forPlatform(string(text), platform, run)), 0o644)
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
	fmt.Fprintf(&b, "\n## Cross-compiling\n\n`kiln build` of a service, all steps of which run anew in a build environment that is there, for %s and,\n"+
		"by cross-compiling on the same engine, for %s.\n\n| service | native | cross | cross / native |\n| --- | ---: | ---: | ---: |\n", nativePlatform, crossPlatform)
	for _, service := range crossed {
		for _, scenario := range []string{service, steps(service)} {
			native, cross := find(results, nativePlatform, scenario), find(results, crossPlatform, scenario)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", scenario, spread(native), spread(cross), ratio(cross, native))
		}
	}
	return b.String()
}
