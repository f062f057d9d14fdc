package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "check an image's signature, SBOM, provenance and test results", ArgsUsage: "IMAGE",
		Description: "Checks that the image is signed, and that a signed SPDX document, a signed SLSA provenance\n" +
			"and signed test results about this very digest are attached to it. Tests that were not run\n" +
			"are told; ones that failed are an error. Of an index over several platforms\n" +
			"it checks the same, and of each image that the index lists.\n" +
			"Exits with 4 where any is not. With a policy it holds the image to each of its rules, and\n" +
			"prints what each found.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "policy", Usage: "hold the image to the policy in `FILE`, in place of --key (default: that of kiln.yaml)"},
			&cli.BoolFlag{Name: "vsa", Usage: "where the policy is met, attach a signed SLSA verification summary"},
			&cli.StringSliceFlag{Name: "rebuilder", Usage: "public key `FILE` of another builder, whose signed rebuild of the image counts (see kiln reproduce)"},
			&cli.IntFlag{Name: "rebuilds", Usage: "require rebuilds by `N` of the rebuilders"},
			outputFlag("what stdout gets: text (the reference) or json"),
		}, statementFlags("the summary"), whoFlags(), archiveFlags()),
		OnUsageError: usageError,
		Action:       runVerify,
	}
}

// verification is what verify found, as --output json prints it.
type verification struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	Key       string `json:"key,omitempty"`
	// Identity is whose certificate must have signed, in place of a key.
	Identity string         `json:"identity,omitempty"`
	Verified bool           `json:"verified"`
	Checks   []checkedThing `json:"checks"`
	Tests    []testsThing   `json:"tests,omitempty"`
	// RebuiltBy are the --rebuilder builders that made the same.
	RebuiltBy []string `json:"rebuiltBy,omitempty"`
	// Platform is set where an index lists the image, and Images where the
	// digest is that of an index.
	Platform string          `json:"platform,omitempty"`
	Images   []*verification `json:"images,omitempty"`
}

type checkedThing struct {
	PredicateType string `json:"predicateType"`
	Place         string `json:"place"`
	OK            bool   `json:"ok"`
	Reason        string `json:"reason,omitempty"`
}

// testsThing is what a statement says of the image's tests.
type testsThing struct {
	Result string `json:"result"`
	Passed int    `json:"passed"`
	Warned int    `json:"warned"`
	Failed int    `json:"failed"`
}

func (t testsThing) String() string {
	if t.Passed+t.Warned+t.Failed == 0 {
		return t.Result + ": the recipe has none"
	}
	return fmt.Sprintf("%s: %d passed, %d not run, %d failed", t.Result, t.Passed, t.Warned, t.Failed)
}

func runVerify(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("kiln verify: want one image, got %d arguments", c.NArg())
	}
	if err := checkOutput(c); err != nil {
		return err
	}
	held, err := readPolicy(c)
	switch {
	case err != nil:
		return err
	case held != nil:
		return runPolicy(c, held)
	case c.Bool("vsa"):
		return withHint{usagef("kiln verify: --vsa needs a policy, which the summary names"), "--policy FILE names a file with a `policy:`"}
	}
	who, err := identity(c)
	if err != nil {
		return err
	}
	asked, err := askedRebuilds(c, who.Root)
	if err != nil {
		return err
	}
	v, err := checkImage(c, who, asked)
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
	_, err = fmt.Fprintln(c.App.Writer, v.Reference)
	return err
}

// checkImage verifies what the argument calls an image.
func checkImage(c *cli.Context, who sign.Identity, asked rebuilds) (*verification, error) {
	registry, err := newRegistry(c, nil)
	if err != nil {
		return nil, err
	}
	p, err := findPublished(c, registry, c.Args().First())
	if err != nil {
		return nil, err
	}
	seen, err := inspect(c.Context, p.found, p.statements, who)
	if err != nil {
		return nil, err
	}
	v := verificationOf(p.repo, seen)
	v.RebuiltBy, err = asked.of(c.Context, seen)
	v.Verified = v.Verified && err == nil
	return v, errors.Join(seen.verdict(), err)
}

func verificationOf(repo name.Repository, i *inspection) *verification {
	v := &verification{
		Reference: repo.Digest(i.digest.String()).Name(), Digest: i.digest.String(), Key: i.report.Key,
		Platform: i.platform, Verified: i.verdict() == nil,
	}
	if i.report.Key == "" {
		v.Identity = i.report.Identity.String()
	}
	v.Checks = checksOf(i.report)
	for _, t := range i.tests {
		v.Tests = append(v.Tests, testsThing(t))
	}
	for _, img := range i.images {
		v.Images = append(v.Images, verificationOf(repo, img))
	}
	return v
}

// checksOf is all that was looked at.
func checksOf(report *sign.Report) []checkedThing {
	var list []checkedThing
	for _, check := range report.Checks {
		t := checkedThing{PredicateType: check.PredicateType, Place: check.Place, OK: check.Err == nil}
		if check.Err != nil {
			t.Reason = check.Err.Error()
		}
		list = append(list, t)
	}
	return list
}

func (v *verification) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n", v.Reference)
	if v.Key != "" {
		fmt.Fprintf(w, "  key         %s\n", v.Key)
	} else {
		fmt.Fprintf(w, "  identity    %s\n", v.Identity)
	}
	v.printChecks(w)
	for _, id := range v.RebuiltBy {
		fmt.Fprintf(w, "  rebuilt by  %s\n", id)
	}
	for _, img := range v.Images {
		fmt.Fprintf(w, "  %s@%s\n", img.Platform, img.Digest)
		img.printChecks(w)
	}
}

func (v *verification) printChecks(w io.Writer) {
	for _, c := range v.Checks {
		outcome := "ok"
		if !c.OK {
			outcome = c.Reason
		}
		fmt.Fprintf(w, "  %-48s %s: %s\n", c.PredicateType, c.Place, outcome)
	}
	for _, t := range v.Tests {
		fmt.Fprintf(w, "  tests       %s\n", t)
	}
}
