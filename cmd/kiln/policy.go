package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/policy"
)

// readPolicy reads the policy that images are to be held to: that of
// --policy, or that of kiln.yaml where no identity is given. It is nil where one
// is, and where there is no policy.
func readPolicy(c *cli.Context) (*policyRun, error) {
	file := c.String("policy")
	_, said := certificateFlags(c)
	switch named := said || c.String("key") != ""; {
	case file != "" && named:
		return nil, withHint{usagef("%s: --policy and an identity exclude each other", c.Command.HelpName), "the policy's `identities` say who may sign"}
	case named || file == "" && configOf(c).Policy == nil:
		return nil, nil
	case file == "":
		file = configOf(c).File
	}
	for _, flag := range []string{"rebuilder", "rebuilds"} {
		if c.IsSet(flag) {
			return nil, withHint{usagef("%s: --%s says nothing with a policy", c.Command.HelpName, flag), file + " says who may sign, and who must have rebuilt; --key FILE verifies without it"}
		}
	}
	asked, text, err := policyIn(file)
	if err != nil {
		return nil, err
	}
	trusted, err := policyRoot(c, asked, file)
	if err != nil {
		return nil, err
	}
	p := &policyRun{policy: asked, file: file, sum: digestOf(text), now: time.Now()}
	if p.identities, err = policyIdentities(c.Context, asked.Identities, trusted); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r := asked.Rebuilds; r != nil {
		if p.rebuilders, err = policyIdentities(c.Context, r.By, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return p, nil
}

// policyIn reads the policy in a file, and returns the file's text as well.
func policyIn(file string) (*recipes.Policy, []byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading policy: %w", err)
	}
	config, err := recipes.ParseConfig(file, text)
	if err != nil {
		return nil, nil, err
	}
	if config.Policy == nil {
		return nil, nil, withHint{usagef("%s has no policy", file), "write one below `policy:`; `identities` names who may sign"}
	}
	return config.Policy, text, nil
}

// policyRun holds one image to a policy.
type policyRun struct {
	policy                 *recipes.Policy
	file, sum              string // sum is the sha256 of its text
	identities, rebuilders []sign.Identity
	now                    time.Time
	// archive is asked for newer packages; nil where that is not to be.
	archive *freshness

	*published
	inputs []v1.Hash // the attestations that were looked at
	built  bool      // whether a provenance verified
}

// judgement is what came of it, as --output json prints it.
type judgement struct {
	Reference string          `json:"reference"`
	Digest    string          `json:"digest"`
	Policy    string          `json:"policy"`
	PolicySum string          `json:"policySha256"`
	Passed    bool            `json:"passed"`
	Rules     []policy.Result `json:"rules"`
	// Platform is set where an index lists the image, and Images where the
	// digest is that of an index.
	Platform string       `json:"platform,omitempty"`
	Images   []*judgement `json:"images,omitempty"`
}

// run judges the image, or an index and each image that it lists.
func (p *policyRun) run(ctx context.Context) (*judgement, error) {
	top, err := p.judge(ctx, p.digest(), "", len(p.found.Manifests) > 0)
	if err != nil {
		return nil, err
	}
	for _, d := range p.found.Manifests {
		img, err := p.judge(ctx, d.Digest, platformOf(d), false)
		if err != nil {
			return nil, err
		}
		top.Images = append(top.Images, img)
		top.Passed = top.Passed && img.Passed
	}
	return top, nil
}

// part is what of the policy is about an index, which holds no files, an image
// that an index lists, for rebuilds are of the whole, or an image by itself.
func (p *policyRun) part(index, listed bool) recipes.Policy {
	part := *p.policy
	if index {
		part = recipes.Policy{Identities: part.Identities, Statements: part.Statements, Builders: part.Builders, Rebuilds: part.Rebuilds}
	}
	if listed {
		part.Rebuilds = nil
	}
	return part
}

// judge evaluates what of the policy is about this digest.
func (p *policyRun) judge(ctx context.Context, digest v1.Hash, platform string, index bool) (*judgement, error) {
	part := p.part(index, platform != "")
	facts, err := p.facts(ctx, &part, digest, platform)
	if err != nil {
		return nil, err
	}
	j := &judgement{
		Reference: p.at(digest).Name(), Digest: digest.String(), Policy: p.file, PolicySum: p.sum,
		Platform: platform, Rules: policy.Evaluate(&part, facts, p.now),
	}
	j.Passed = policy.Passed(j.Rules)
	return j, nil
}

// policyError says that an image is not within the policy.
type policyError struct {
	reference, file string
	failed          int
}

func (e *policyError) Error() string {
	verb := "fail"
	if e.failed == 1 {
		verb = "fails"
	}
	return fmt.Sprintf("verifying %s: %s of %s %s", e.reference, plural(e.failed, "rule"), e.file, verb)
}

// runPolicy is kiln verify with a policy.
func runPolicy(c *cli.Context, p *policyRun) error {
	registry, err := newRegistry(c, nil)
	if err != nil {
		return err
	}
	env, err := newEnvironment(c)
	if err != nil {
		return err
	}
	p.archive = newFreshness(env)
	if p.published, err = findPublished(c, registry, c.Args().First()); err != nil {
		return err
	}
	j, err := p.run(c.Context)
	if err != nil {
		return err
	}
	return p.conclude(c, j)
}

// conclude prints, and attaches the summary where it is asked for.
func (p *policyRun) conclude(c *cli.Context, j *judgement) error {
	asJSON := c.String("output") == "json"
	if asJSON {
		if err := json.NewEncoder(c.App.Writer).Encode(j); err != nil {
			return err
		}
	} else {
		j.print(c.App.ErrWriter)
	}
	if !j.Passed {
		return &policyError{j.Reference, p.file, j.failed()}
	}
	if c.Bool("vsa") {
		if err := p.attest(c, j); err != nil {
			return err
		}
	}
	if asJSON {
		return nil
	}
	_, err := fmt.Fprintln(c.App.Writer, j.Reference)
	return err
}

func (j *judgement) failed() int {
	n := 0
	for _, r := range j.Rules {
		if !r.OK {
			n++
		}
	}
	for _, img := range j.Images {
		n += img.failed()
	}
	return n
}

func (j *judgement) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n  policy      %s\n", j.Reference, j.Policy)
	j.printRules(w)
	for _, img := range j.Images {
		fmt.Fprintf(w, "  %s@%s\n", img.Platform, img.Digest)
		img.printRules(w)
	}
}

func (j *judgement) printRules(w io.Writer) {
	for _, r := range j.Rules {
		outcome := "ok  "
		if !r.OK {
			outcome = "FAIL"
		}
		fmt.Fprintf(w, "  %s  %-16s %s\n", outcome, r.Rule, r.Evidence)
		if r.Hint != "" {
			fmt.Fprintf(w, "    hint: %s\n", r.Hint)
		}
	}
}
