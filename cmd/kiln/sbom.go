package main

import (
	"bytes"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom"
)

func sbomCommand() *cli.Command {
	return &cli.Command{
		Name: "sbom", Usage: "print the SBOM of an image", ArgsUsage: "IMAGE",
		Description: "Prints the SPDX document that is attached to an image in a registry, or in a folder with an\n" +
			"OCI layout, as it was signed; or the same as CycloneDX. With --key or a certificate's identity only a\n" +
			"document that this one signed is printed, and the exit code is 4 where there is none. Without\n" +
			"either, it is said that nobody has verified it.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "format", Value: "spdx", Usage: "spdx (2.3) or cyclonedx (1.6)"},
			&cli.StringFlag{Name: "platform", Usage: "of an index: the image for this `PLATFORM`, such as linux/arm64"},
		}, whoFlags()...),
		OnUsageError: usageError,
		Action:       runSBOM,
	}
}

func runSBOM(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("kiln sbom: want one image, got %d arguments", c.NArg())
	}
	format := c.String("format")
	if format != "spdx" && format != "cyclonedx" {
		return usagef("--format: want spdx or cyclonedx, got %q", format)
	}
	who, err := anyIdentity(c)
	if err != nil {
		return err
	}
	s, err := findImage(c, c.Args().First())
	if err != nil {
		return err
	}
	digest, err := s.choose(c.String("platform"))
	if err != nil {
		return err
	}
	text, err := s.bill(c.Context, digest, who)
	if err != nil {
		return err
	}
	if format == "cyclonedx" {
		doc, err := sbom.Read(text)
		if err != nil {
			return fmt.Errorf("reading %s: %w", s.name, err)
		}
		if text, err = sbom.CycloneDX(doc); err != nil {
			return err
		}
	}
	if who == nil {
		fmt.Fprintln(c.App.ErrWriter, "not verified: anyone who may push to the registry can attach a document; --key FILE checks who signed it")
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s\n", bytes.TrimSpace(text))
	return err
}
