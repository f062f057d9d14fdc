package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "check an image's signature, SBOM and provenance", ArgsUsage: "IMAGE",
		Description: "Checks that the image is signed, and that a signed SPDX document and a signed SLSA\n" +
			"provenance about this very digest are attached to it. Exits with 4 where any is not.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "key", Usage: "public key `FILE` that must have signed"},
			outputFlag("what stdout gets: text (the reference) or json"),
		}, registryFlags()...),
		OnUsageError: usageError,
		Action:       runVerify,
	}
}

// verification is what verify found, as --output json prints it.
type verification struct {
	Reference string         `json:"reference"`
	Digest    string         `json:"digest"`
	Key       string         `json:"key"`
	Verified  bool           `json:"verified"`
	Checks    []checkedThing `json:"checks"`
}

type checkedThing struct {
	PredicateType string `json:"predicateType"`
	Place         string `json:"place"`
	OK            bool   `json:"ok"`
	Reason        string `json:"reason,omitempty"`
}

func runVerify(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("kiln verify: want one image, got %d arguments", c.NArg())
	}
	if c.String("key") == "" {
		return withHint{usagef("kiln verify: no identity to verify with"), "--key FILE names the public key that must have signed"}
	}
	if err := checkOutput(c); err != nil {
		return err
	}
	key, err := publicKey(c.String("key"))
	if err != nil {
		return err
	}
	digest, v, err := checkImage(c, key)
	if v == nil {
		return err
	}
	if c.String("output") == "json" {
		if jerr := json.NewEncoder(c.App.Writer).Encode(v); jerr != nil {
			return jerr
		}
		return err
	}
	v.print(c.App.ErrWriter)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, digest)
	return err
}

// checkImage resolves the reference to a digest first: all that is checked is
// about the digest, whatever the tag does meanwhile.
func checkImage(c *cli.Context, key *sign.Key) (name.Digest, *verification, error) {
	registry, err := newRegistry(c, nil)
	if err != nil {
		return name.Digest{}, nil, err
	}
	ref, err := name.ParseReference(c.Args().First())
	if err != nil {
		return name.Digest{}, nil, usagef("kiln verify: %w", err)
	}
	found, ok, err := registry.Lookup(c.Context, ref)
	if err != nil {
		return name.Digest{}, nil, err
	}
	if !ok {
		return name.Digest{}, nil, fmt.Errorf("verifying %s: the registry has no such image", ref)
	}
	digest := ref.Context().Digest(found.Descriptor.Digest.String())
	attached, err := registry.Statements(c.Context, digest)
	if err != nil {
		return digest, nil, err
	}
	report, err := sign.Verify(c.Context, found.Descriptor.Digest, attached, sign.Identity{Key: key}, required)
	if report == nil {
		return digest, nil, err
	}
	v := &verification{Reference: digest.Name(), Digest: digest.DigestStr(), Key: report.Key, Verified: err == nil}
	for _, check := range report.Checks {
		t := checkedThing{PredicateType: check.PredicateType, Place: check.Place, OK: check.Err == nil}
		if check.Err != nil {
			t.Reason = check.Err.Error()
		}
		v.Checks = append(v.Checks, t)
	}
	return digest, v, err
}

func (v *verification) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n  key         %s\n", v.Reference, v.Key)
	for _, c := range v.Checks {
		outcome := "ok"
		if !c.OK {
			outcome = c.Reason
		}
		fmt.Fprintf(w, "  %-45s %s: %s\n", c.PredicateType, c.Place, outcome)
	}
}
