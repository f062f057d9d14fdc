package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// catalogLine is a line of the benchmark BenchmarkCatalog.
var catalogLine = regexp.MustCompile(`(?m)^BenchmarkCatalog/(\w+)(?:-\d+)?\s+\d+\s+(\d+) ns/op\s+([0-9.]+) ms/recipe`)

// catalogs times what looks after a catalog of a thousand recipes of which all
// images are there: BenchmarkCatalog of cmd/kiln, which knows how to make so
// many images without building them.
func catalogs(ctx context.Context, k *kiln, runs int) (string, error) {
	out, err := command(ctx, k.env, "go", "test", "-run", "^$", "-bench", "^BenchmarkCatalog$", "-benchtime", fmt.Sprintf("%dx", runs), "-timeout", "1h", "./cmd/kiln")
	if err != nil {
		return "", err
	}
	found := catalogLine.FindAllStringSubmatch(out, -1)
	if len(found) == 0 {
		return "", fmt.Errorf("timing a catalog: no times in %q", out)
	}
	var b strings.Builder
	b.WriteString("\n## A catalog of 1,000 recipes\n\nAll images are in a registry on loopback and verify; means of the runs. " +
		"`build` asks the registry once for each.\n\n| command | all | per recipe |\n| --- | ---: | ---: |\n")
	for _, m := range found {
		var ns float64
		if _, err := fmt.Sscan(m[2], &ns); err != nil {
			return "", fmt.Errorf("timing a catalog: %w", err)
		}
		fmt.Fprintf(&b, "| kiln catalog %s | %.2f s | %s ms |\n", m[1], ns/1e9, m[3])
	}
	return b.String(), nil
}
