package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "say what differs between two images", ArgsUsage: "A B",
		Description: "Compares two images, each in a registry or in a folder with an OCI layout, by their SPDX\n" +
			"documents, manifests and configurations: packages, licenses, files, what they were built with,\n" +
			"size and configuration. No layer is read. With --key both documents must be signed by it.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "platform", Usage: "of indexes: the images for this `PLATFORM`, such as linux/arm64"},
			outputFlag("what stdout gets: text or json"),
		}, append(whoFlags(), mirrorFlags()...)...),
		OnUsageError: usageError,
		Action:       runDiff,
	}
}

// difference is what diff found, as --output json prints it.
type difference struct {
	From side `json:"from"`
	To   side `json:"to"`
	sbom.Difference
	// Config are the fields of the configuration that differ.
	Config []sbom.Change `json:"config,omitempty"`
}

// side is one of the images.
type side struct {
	Image  string `json:"image"`
	Digest string `json:"digest"`
	// Size is of the compressed layers and the configuration, in bytes.
	Size int64 `json:"size"`

	config map[string]string
	doc    *sbom.Document
}

func runDiff(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("kiln diff: want two images, got %d arguments", c.NArg())
	}
	if err := checkOutput(c); err != nil {
		return err
	}
	who, err := anyIdentity(c)
	if err != nil {
		return err
	}
	var sides []side
	for _, arg := range c.Args().Slice() {
		s, err := readSide(c, arg, who)
		if err != nil {
			return err
		}
		sides = append(sides, s)
	}
	d := difference{From: sides[0], To: sides[1], Difference: sbom.Compare(sides[0].doc, sides[1].doc)}
	d.Config = changed(sides[0].config, sides[1].config)
	if who == nil {
		fmt.Fprintln(c.App.ErrWriter, "not verified: --key FILE checks who signed the documents")
	}
	if c.String("output") == "json" {
		return json.NewEncoder(c.App.Writer).Encode(d)
	}
	d.print(c.App.Writer)
	return nil
}

func readSide(c *cli.Context, arg string, who *sign.Identity) (side, error) {
	s, err := findImage(c, arg)
	if err != nil {
		return side{}, err
	}
	digest, err := s.choose(c.String("platform"))
	if err != nil {
		return side{}, err
	}
	found := side{Image: arg, Digest: digest.String()}
	if found.doc, err = s.describes(c.Context, digest, who); err != nil {
		return side{}, err
	}
	err = found.measure(c.Context, s, digest)
	return found, err
}

// measure reads size and configuration.
func (s *side) measure(ctx context.Context, from *shelf, digest v1.Hash) error {
	img, err := from.image(ctx, digest)
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	s.Size = compressed(m)
	file, err := img.ConfigFile()
	if err != nil {
		return err
	}
	s.config = fields(file)
	return nil
}

// fields are the fields of a configuration (image-spec, config.md), as text.
func fields(f *v1.ConfigFile) map[string]string {
	c := f.Config
	m := map[string]string{
		"platform": f.OS + "/" + f.Architecture, "user": c.User, "workdir": c.WorkingDir, "stop-signal": c.StopSignal,
		"entrypoint": strings.Join(c.Entrypoint, " "), "args": strings.Join(c.Cmd, " "),
		"ports":   strings.Join(slices.Sorted(maps.Keys(c.ExposedPorts)), " "),
		"volumes": strings.Join(slices.Sorted(maps.Keys(c.Volumes)), " "),
	}
	for _, kv := range c.Env {
		k, v, _ := strings.Cut(kv, "=")
		m["env "+k] = v
	}
	for k, v := range c.Labels {
		m["label "+k] = v
	}
	return m
}

// changed are the fields that differ; one that is missing is empty.
func changed(from, to map[string]string) []sbom.Change {
	all := maps.Clone(from)
	maps.Copy(all, to)
	var list []sbom.Change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if from[name] != to[name] {
			list = append(list, sbom.Change{Name: name, From: from[name], To: to[name]})
		}
	}
	return list
}

func (d *difference) print(w io.Writer) {
	for _, part := range []struct {
		name string
		sbom.Changes
	}{{"package", d.Packages}, {"file", d.Files}, {"build", d.Build}} {
		for _, i := range part.Added {
			fmt.Fprintf(w, "+ %-8s %s %s\n", part.name, i.Name, short(i.Value))
		}
		for _, i := range part.Removed {
			fmt.Fprintf(w, "- %-8s %s %s\n", part.name, i.Name, short(i.Value))
		}
		for _, c := range part.Changed {
			fmt.Fprintf(w, "~ %-8s %s %s → %s\n", part.name, c.Name, short(c.From), short(c.To))
		}
	}
	for _, c := range d.Licenses {
		fmt.Fprintf(w, "~ %-8s %s %s → %s\n", "license", c.Name, c.From, c.To)
	}
	for _, c := range d.Config {
		fmt.Fprintf(w, "~ %-8s %s: %q → %q\n", "config", c.Name, c.From, c.To)
	}
	if d.From.Size != d.To.Size {
		fmt.Fprintf(w, "~ %-8s %s → %s (%+d bytes)\n", "size", megabytes(d.From.Size), megabytes(d.To.Size), d.To.Size-d.From.Size)
	}
	if d.From.Digest == d.To.Digest {
		fmt.Fprintln(w, "the same image")
	}
}

// short is a digest as people tell it from others, and other values whole.
func short(value string) string {
	if rest, ok := strings.CutPrefix(value, "sha256:"); ok && len(rest) > 12 {
		return rest[:12]
	}
	return value
}
