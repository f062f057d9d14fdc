package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/bitwise"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/sign"
)

// reproduced is what kiln reproduce found, as --output json prints it.
type reproduced struct {
	Reference string   `json:"reference"`
	Digest    string   `json:"digest"`
	Platforms []string `json:"platforms"`
	// Rebuilt is the digest that was built here.
	Rebuilt     string            `json:"rebuilt"`
	Identical   bool              `json:"identical"`
	Differences []imageDifference `json:"differences,omitempty"`
	// Fresh is whether the engine and its caches were empty.
	Fresh bool `json:"fresh"`
	// SignedBy is the key of the statement that was attached.
	SignedBy string `json:"signedBy,omitempty"`
	// Timings are in seconds, by stage.
	Timings map[string]float64 `json:"timings"`
}

// imageDifference is one thing that differs in the image for the platform, or
// in the index.
type imageDifference struct {
	Platform string `json:"platform"`
	bitwise.Difference
}

// rebuild builds the image and does nothing else with it.
func (j *job) rebuild(ctx context.Context) error {
	sp, err := spool.New("")
	if err != nil {
		return err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	made, err := j.assemble(ctx, j.engine(j.conn), sp)
	if err != nil {
		return err
	}
	return j.take(made)
}

// compare holds what was built against what the registry has.
func (r *reproduction) compare(ctx context.Context, top push.Manifest) (*reproduced, error) {
	digest, err := top.Digest()
	if err != nil {
		return nil, err
	}
	res := &reproduced{
		Reference: r.reference().Name(), Digest: r.reference().DigestStr(), Platforms: r.platforms, Rebuilt: digest.String(),
		Identical: digest == r.digest(), Fresh: r.fresh(), Timings: r.clock.laps,
	}
	if res.Identical {
		return res, nil
	}
	if r.origin.Platform == "" {
		list, err := r.indexes(ctx, top)
		if err != nil {
			return nil, err
		}
		res.add("index", list)
	}
	for _, j := range r.built {
		theirs, err := r.theirs(ctx, j.platform)
		if err != nil {
			return nil, err
		}
		list, err := bitwise.Compare(theirs, j.image)
		if err != nil {
			return nil, fmt.Errorf("comparing with %s: %w", r.reference(), err)
		}
		res.add(j.platform, list)
	}
	r.clock.lap("compare")
	return res, nil
}

func (r *reproduced) add(platform string, list []bitwise.Difference) {
	for _, d := range list {
		r.Differences = append(r.Differences, imageDifference{platform, d})
	}
}

// indexes compares the manifest of the registry's index with that of ours.
func (r *reproduction) indexes(ctx context.Context, top push.Manifest) ([]bitwise.Difference, error) {
	ours, err := top.RawManifest()
	if err != nil {
		return nil, err
	}
	var theirs []byte
	if _, err := r.build.registry.Manifest(ctx, r.reference(), func(content io.Reader, want string) (string, int64, error) {
		var err error
		theirs, err = io.ReadAll(content)
		return want, int64(len(theirs)), err
	}); err != nil {
		return nil, err
	}
	return bitwise.Documents("manifest", theirs, ours)
}

// theirs is the registry's image for the platform.
func (r *reproduction) theirs(ctx context.Context, platform string) (v1.Image, error) {
	digest := r.digest()
	if len(r.found.Manifests) > 0 {
		i := slices.IndexFunc(r.found.Manifests, func(d v1.Descriptor) bool { return d.Platform != nil && d.Platform.String() == platform })
		if i < 0 {
			return nil, fmt.Errorf("comparing with %s: it lists no image for %s", r.reference(), platform)
		}
		digest = r.found.Manifests[i].Digest
	}
	return r.image(ctx, digest)
}

// maxShown is how many differences a person is shown.
const maxShown = 40

// report prints what was found. A difference is an error.
func (r *reproduction) report(c *cli.Context, res *reproduced) error {
	asJSON := c.String("output") == "json"
	if asJSON {
		if err := json.NewEncoder(r.stdout).Encode(res); err != nil {
			return err
		}
	} else {
		r.tell(res)
	}
	if !res.Identical {
		return &differsError{digest: res.Digest, rebuilt: res.Rebuilt, count: len(res.Differences)}
	}
	if asJSON {
		return nil
	}
	_, err := fmt.Fprintln(r.stdout, res.Reference)
	return err
}

func (r *reproduction) tell(res *reproduced) {
	engine := "an engine of its own, with empty caches"
	if !res.Fresh {
		engine = "the engine that was named, with its caches"
	}
	r.say("%s %s  rebuilt on %s  (%.1f s)", r.recipe.Name, r.recipe.Tag(), engine, r.clock.total().Seconds())
	if res.Identical {
		r.say("  identical   %s", res.Digest)
		if res.SignedBy != "" {
			r.say("  statement   %s, signed by %s", sign.PredicateRebuild, res.SignedBy)
		}
		return
	}
	r.say("  published   %s\n  rebuilt     %s", res.Digest, res.Rebuilt)
	for i, d := range res.Differences {
		if i == maxShown {
			r.say("  … and %d more; --output json lists all", len(res.Differences)-i)
			break
		}
		r.say("  %s %s", d.Platform, d)
	}
}

// differsError says that an image is not what its provenance leads to.
type differsError struct {
	digest, rebuilt string
	count           int
}

func (e *differsError) Error() string {
	return fmt.Sprintf("reproducing %s: the same inputs made %s here; %d differences", e.digest, e.rebuilt, e.count)
}

// Hint is what to do about it.
func (e *differsError) Hint() string {
	return "who signed the image has built something else than its provenance says, or the build is not reproducible: " +
		"rebuild on another machine to tell these apart"
}
