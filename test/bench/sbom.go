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

// The document is written in three ways: by syft; by kiln beginning with the
// image alone, as syft does; and in kiln build, which has hashed the files
// while it wrote the layers.
const (
	bySyft    = "syft"
	fromImage = "kiln, from the image alone"
	inBuild   = "kiln, while it builds"
)

// sboms times the documents of one image, in turn.
func sboms(ctx context.Context, k *kiln, runs int) (string, error) {
	p, err := newPortrait(ctx, k)
	if err != nil {
		return "", fmt.Errorf("preparing the image: %w", err)
	}
	ways := []struct {
		name string
		run  func(context.Context) (time.Duration, error)
	}{{bySyft, p.syft}, {fromImage, p.fromImage}, {inBuild, p.build}}
	var results []result
	for _, way := range ways {
		results = append(results, result{pipeline: way.name, scenario: large})
	}
	for range runs {
		for i, way := range ways {
			d, err := way.run(ctx)
			if err != nil {
				return "", fmt.Errorf("%s: %w", way.name, err)
			}
			log.Printf("SBOM, %s: %.2f s", way.name, d.Seconds())
			results[i].times = append(results[i].times, d)
		}
	}
	return p.table(results), nil
}

func (p *portrait) syft(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	_, err := command(ctx, []string{"SYFT_CHECK_FOR_APP_UPDATE=false"}, p.tool("syft"),
		"scan", "oci-dir:"+p.image, "-q", "-o", "spdx-json="+filepath.Join(p.dir, "syft.json"))
	return time.Since(start), err
}

// fromImage runs this program as [describe], so that starting one counts for
// both.
func (p *portrait) fromImage(ctx context.Context) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = command(ctx, nil, self, "describe", p.image, p.told, p.document())
	return time.Since(start), err
}

// build builds the image anew from what is cached, and returns how long its
// document took of that.
func (p *portrait) build(ctx context.Context) (time.Duration, error) {
	if err := os.RemoveAll(p.built()); err != nil {
		return 0, err
	}
	out, err := command(ctx, p.env, p.tool("kiln"), "build", p.recipe, "--oci", p.built(), "--key", p.key, "--progress", "plain", "--output", "json")
	if err != nil {
		return 0, err
	}
	return lap(out, "describe")
}

// lap is how long kiln build took for one of its stages.
func lap(out, stage string) (time.Duration, error) {
	var built struct{ Timings map[string]float64 }
	if err := json.Unmarshal([]byte(out), &built); err != nil {
		return 0, err
	}
	seconds, ok := built.Timings[stage]
	if !ok {
		return 0, fmt.Errorf("kiln build tells no time of stage %s: %s", stage, out)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// table is the part of the report about them.
func (p *portrait) table(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## SBOM\n\nThe SPDX document of an image of %.0f MB, compressed, with %d files: %s of the catalog with Python and\n"+
		"Java beside its node. syft reads an OCI layout. kiln writes the document while it builds, and has hashed the files\n"+
		"then, as it wrote the layers. The other row is for kiln beginning where syft does: a program of this benchmark reads\n"+
		"the same layout, unpacks it and hashes every file, and then calls what kiln build calls; it is told which package\n"+
		"a file is of, which the image does not say, and its document has the files and packages of the one that was signed.\n\n"+
		"| document | time | / syft |\n| --- | ---: | ---: |\n", p.megabytes, p.files, large)
	syft := find(results, bySyft, large)
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.pipeline, spread(r.times), ratio(r.times, syft))
	}
	return b.String()
}
