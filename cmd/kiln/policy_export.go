package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/sign/admission"
	"github.com/kiln-build/kiln/sign/policy"
)

func policyCommand() *cli.Command {
	return &cli.Command{
		Name: "policy", Usage: "write the policy of kiln.yaml for admission controllers and container engines", OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{{
			Name: "export", Usage: "write what others need to hold images to the policy",
			Description: "policy-controller is a ClusterImagePolicy of Sigstore's, kyverno a ClusterPolicy, and containers\n" +
				"the policy.json and registries.d of podman, skopeo and CRI-O. They know signatures and\n" +
				"statements; which rules they cannot be told is said, and `kiln verify --policy` checks them.",
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "format", Usage: strings.Join(admission.Formats(), ", ")},
				&cli.StringFlag{Name: "scope", Usage: "`REGISTRY[/FOLDER]` whose images it is about"},
				&cli.StringFlag{Name: "policy", Usage: "`FILE` with the policy (default: kiln.yaml)"},
				&cli.StringFlag{Name: "dir", Usage: "write the files into `FOLDER` (default: to stdout, where it is one)"},
			}, instanceFlags()...),
			OnUsageError: usageError,
			Action:       runPolicyExport,
		}},
	}
}

func runPolicyExport(c *cli.Context) error {
	switch {
	case c.Args().Present():
		return usagef("kiln policy export: want no arguments")
	case c.String("format") == "" || c.String("scope") == "":
		return withHint{usagef("kiln policy export: --format and --scope are needed"), "formats: " + strings.Join(admission.Formats(), ", ")}
	}
	p, file, err := exportedPolicy(c.String("policy"))
	if err != nil {
		return err
	}
	trusted, err := policyRoot(c, p, file)
	if err != nil {
		return err
	}
	out, err := toExport(c.Context, p, strings.TrimSuffix(c.String("scope"), "/"), trusted)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	files, err := admission.Write(c.String("format"), out)
	if err != nil {
		return usage{err}
	}
	if c.String("dir") == "" && len(files) > 1 {
		return withHint{usagef("kiln policy export: %s is %d files", c.String("format"), len(files)), "--dir FOLDER says where to write them"}
	}
	if err := writeExport(c, files); err != nil {
		return err
	}
	if left := admission.LeftOut(c.String("format"), p, out.Material); len(left) > 0 {
		_, err = fmt.Fprintf(c.App.ErrWriter, "note: %s cannot be told of %s; `kiln verify --policy` checks them\n", c.String("format"), strings.Join(left, ", "))
	}
	return err
}

// exportedPolicy is the policy in the file, or that of kiln.yaml, and its file.
func exportedPolicy(file string) (*recipes.Policy, string, error) {
	if file != "" {
		p, _, err := policyIn(file)
		return p, file, err
	}
	config, err := recipes.FindConfig(".")
	if err != nil {
		return nil, "", err
	}
	if config.Policy == nil {
		return nil, "", withHint{usagef("there is no policy"), "write one below `policy:` in kiln.yaml, or name a file with --policy"}
	}
	return config.Policy, config.File, nil
}

// toExport is as much of the policy as others can be told.
func toExport(ctx context.Context, p *recipes.Policy, scope string, trusted *sign.Root) (out admission.Policy, err error) {
	out = admission.Policy{Scope: scope, Statements: policy.Statements(p), RebuildType: sign.PredicateRebuild}
	if trusted != nil {
		if out.Material, err = trusted.Material(); err != nil {
			return out, err
		}
	}
	who, err := policyIdentities(ctx, p.Identities, trusted)
	if err != nil {
		return out, err
	}
	for _, id := range who {
		if id.Key == nil {
			out.Certificates = append(out.Certificates, *id.Certificate)
			continue
		}
		out.Keys = append(out.Keys, string(id.Key.PublicPEM()))
	}
	if p.Rebuilds == nil {
		return out, nil
	}
	out.Rebuilds = p.Rebuilds.Count
	by, err := policyIdentities(ctx, p.Rebuilds.By, nil)
	for _, id := range by {
		out.Rebuilders = append(out.Rebuilders, string(id.Key.PublicPEM()))
	}
	return out, err
}

func writeExport(c *cli.Context, files []admission.File) error {
	dir := c.String("dir")
	for _, f := range files {
		if dir == "" {
			_, err := c.App.Writer.Write(f.Text)
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("exporting policy: %w", err)
		}
		if err := writeWhole(file, f.Text); err != nil {
			return fmt.Errorf("exporting policy: %w", err)
		}
		if _, err := fmt.Fprintln(c.App.Writer, file); err != nil {
			return err
		}
	}
	return nil
}
