// Bench times kiln against what it replaces. Its parts are:
//
//   - pipelines: a Dockerfile of the same service on the same buildkitd, with
//     provenance, then syft, cosign sign and cosign attest, to the same registry
//   - cross: cross-compiling against building for the machine's own platform
//   - sbom: the SPDX document of a large image against syft's
//   - verify: kiln verify against the cosign commands that do the same
//   - catalog: commands about a thousand recipes of which all images are there
//   - audit: kiln audit of a registry with a thousand images
//
// It prints a report, and with -o writes it to a file. It is for one machine at
// one time: what is compared runs in turn, and what counts is the ratio of the
// medians. It needs root, bin/ as `make bench` fills it, and mmdebstrap. Start
// at run.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// part is one comparison, which reports on itself.
type part struct {
	name string
	run  func(ctx context.Context, k *kiln, runs int) (report string, err error)
}

func parts() []part {
	return []part{{"pipelines", pipelines}, {"cross", crossings}, {"sbom", sboms}, {"verify", verifying}, {"catalog", catalogs}, {"audit", auditing}}
}

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if args := os.Args[1:]; len(args) == 4 && args[0] == "describe" { // see portrait.fromImage
		if err := describe(ctx, args[1], args[2], args[3]); err != nil {
			log.Fatal(err)
		}
		return
	}
	out := flag.String("o", "", "write the report to this file as well")
	runs := flag.Int("n", 5, "how often each case is timed")
	work := flag.String("work", ".work/bench", "folder for images, caches and logs")
	only := flag.String("part", "", "time only this: pipelines, cross, sbom, verify, catalog or audit")
	flag.Parse()
	chosen := slices.DeleteFunc(parts(), func(p part) bool { return *only != "" && *only != p.name })
	if len(chosen) == 0 {
		log.Fatalf("-part: there is no part %q", *only)
	}
	report, err := run(ctx, *work, *runs, chosen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(report)
	if *out == "" {
		return
	}
	if err := os.WriteFile(*out, []byte(report), 0o644); err != nil {
		log.Fatal(err)
	}
}

// run sets up what all parts stand on, times them, and returns the report.
func run(ctx context.Context, work string, runs int, chosen []part) (string, error) {
	b, err := newBed(ctx, work)
	if err != nil {
		return "", fmt.Errorf("setting up: %w", err)
	}
	defer b.close()
	k, err := newKiln(ctx, b)
	if err != nil {
		return "", fmt.Errorf("setting up kiln: %w", err)
	}
	defer k.close()
	report := head(runs)
	for _, p := range chosen {
		text, err := p.run(ctx, k, runs)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		report += text
	}
	return report + "\n## Machine\n\n" + machine(ctx), nil
}

// pipelines times the whole way from source to signed image.
func pipelines(ctx context.Context, k *kiln, runs int) (string, error) {
	reference, err := newReference(ctx, k.bed)
	if err != nil {
		return "", fmt.Errorf("setting up the reference: %w", err)
	}
	defer reference.close()
	results, err := measure(ctx, []pipeline{reference, k}, runs)
	return pipelineTable(results), err
}

// crossings times cross-compiling.
func crossings(ctx context.Context, k *kiln, runs int) (string, error) {
	results, err := k.crossing(ctx, runs)
	return crossTable(results), err
}
