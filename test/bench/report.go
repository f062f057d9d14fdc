package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// head is the beginning of the report, a Markdown page.
func head(runs int) string {
	return fmt.Sprintf("# Benchmark\n\n`make bench` wrote this page. Medians of %d runs, what is compared in turn; "+
		"in brackets the fastest and the slowest.\n", runs)
}

// pipelineTable is the part of the report about the whole pipelines.
func pipelineTable(results []result) string {
	var b strings.Builder
	b.WriteString("\n## From source to registry\n\nkiln against a Dockerfile of the same " +
		"service on the same buildkitd with provenance, followed by syft, cosign\nsign and cosign attest, " +
		"to the same registry on loopback.\n\n" +
		"| case | reference | kiln | kiln / reference |\n| --- | ---: | ---: | ---: |\n")
	for _, s := range scenarios {
		reference, kiln := find(results, "reference", s.name), find(results, "kiln", s.name)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.name, spread(reference), spread(kiln), ratio(kiln, reference))
	}
	b.WriteString("\nA clean cache is an empty engine and an empty cache folder; what the Debian mirror and the module\n" +
		"proxy serve is downloaded again by both. kiln's engine is started within its time, the reference's is not.\n")
	return b.String()
}

func find(results []result, pipeline, scenario string) []time.Duration {
	for _, r := range results {
		if r.pipeline == pipeline && r.scenario == scenario {
			return r.times
		}
	}
	return nil
}

// median is the middle one, or the mean of the middle two.
func median(times []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(times))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f s (%.2f–%.2f)", median(times).Seconds(),
		slices.Min(times).Seconds(), slices.Max(times).Seconds())
}

func ratio(a, b []time.Duration) string {
	if len(a) == 0 || len(b) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(a).Seconds()/median(b).Seconds())
}

// machine lists what the numbers depend on.
func machine(ctx context.Context) string {
	var b strings.Builder
	for _, fact := range [][2]string{
		{"processor", fmt.Sprintf("%d × %s", runtime.NumCPU(), field("/proc/cpuinfo", "model name"))},
		{"memory", field("/proc/meminfo", "MemTotal")},
		{"kernel", output(ctx, "uname", "-sr")},
		{"system", strings.Trim(field("/etc/os-release", "PRETTY_NAME"), `"`)},
		{"runc", field1(output(ctx, "runc", "--version"))},
		{"buildkitd", output(ctx, "bin/buildkitd", "--version")},
		{"Go", runtime.Version()},
		{"syft", module(ctx, "bin/syft")},
		{"cosign", module(ctx, "bin/cosign")},
	} {
		fmt.Fprintf(&b, "- %s: %s\n", fact[0], fact[1])
	}
	return b.String()
}

// field is the value of the first line of a file that begins with key.
func field(path, key string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimLeft(strings.TrimSpace(rest), " \t:=")
		}
	}
	return "unknown"
}

func output(ctx context.Context, name string, args ...string) string {
	out, err := command(ctx, nil, name, args...)
	if err != nil {
		return "unknown"
	}
	return out
}

func field1(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// module is the version of the main module that a program was built from.
func module(ctx context.Context, program string) string {
	for line := range strings.Lines(output(ctx, "go", "version", "-m", program)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "mod" {
			return f[2]
		}
	}
	return "unknown"
}
