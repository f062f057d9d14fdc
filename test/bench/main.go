// Bench times kiln against the pipeline that it replaces: a Dockerfile of the
// same service on the same buildkitd, with provenance, then syft, cosign sign
// and cosign attest, to the same registry. It prints a table, and with -o
// writes it to a file.
//
// It is for one machine at one time: both pipelines run in turn, and what
// counts is the ratio of their medians. It needs root, bin/ as `make bench`
// fills it, and mmdebstrap. Start at run.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(log.Ltime)
	out := flag.String("o", "", "write the report to this file as well")
	runs := flag.Int("n", 5, "how often each case is timed")
	work := flag.String("work", ".work/bench", "folder for images, caches and logs")
	cross := flag.Bool("cross", false, "time only cross-compiling")
	only := flag.Bool("reference", false, "time only the reference pipeline")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	measured := run
	if *cross {
		measured = runCrossing
	}
	report, err := measured(ctx, *work, *runs, *only)
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

// run sets everything up, times the cases and returns the report.
func run(ctx context.Context, work string, runs int, onlyReference bool) (string, error) {
	b, err := newBed(ctx, work)
	if err != nil {
		return "", fmt.Errorf("setting up: %w", err)
	}
	defer b.close()
	reference, err := newReference(ctx, b)
	if err != nil {
		return "", fmt.Errorf("setting up the reference: %w", err)
	}
	defer reference.close()
	pipelines := []pipeline{reference}
	var own *kiln
	if !onlyReference {
		k, err := newKiln(ctx, b)
		if err != nil {
			return "", fmt.Errorf("setting up kiln: %w", err)
		}
		defer k.close()
		pipelines, own = append(pipelines, k), k
	}
	results, err := measure(ctx, pipelines, runs)
	if err != nil {
		return "", err
	}
	if own != nil {
		crossed, err := own.crossing(ctx, runs)
		if err != nil {
			return "", err
		}
		results = append(results, crossed...)
	}
	return report(ctx, results, runs), nil
}

// runCrossing times cross-compiling alone.
func runCrossing(ctx context.Context, work string, runs int, _ bool) (string, error) {
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
	results, err := k.crossing(ctx, runs)
	return crossTable(results), err
}
